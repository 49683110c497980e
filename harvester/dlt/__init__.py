"""Archives as dlt sources: `from harvester.dlt import flickr_archive, flickr_search, flickr_account`.

They come with the extra: pip install "flickr-harvester[dlt]". Nothing else imports this.
"""

try:
    from harvester.dlt.sources import flickr_account, flickr_archive, flickr_search
except ModuleNotFoundError as error:
    if error.name not in ("dlt", "pyarrow"):
        raise
    raise ImportError(
        f'harvester.dlt needs {error.name}, which is not there: pip install "flickr-harvester[dlt]".', name=error.name
    ) from None

__all__ = ["flickr_account", "flickr_archive", "flickr_search"]
