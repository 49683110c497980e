"""One harvest on the workers of a Dask cluster: `from harvester.dask import harvest_on`.

It comes with the extra: pip install "flickr-harvester[dask]". Nothing else imports this.
"""

try:
    from harvester.dask.driver import harvest_on
except ModuleNotFoundError as error:
    if error.name != "distributed":
        raise
    raise ImportError(
        'harvester.dask needs distributed, which is not there: pip install "flickr-harvester[dask]".', name=error.name
    ) from None

__all__ = ["harvest_on"]
