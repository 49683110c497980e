"""Making a damaged archive whole from whatever is left of it.

`scan` tells the good lines of the files from the others, `facts` reads what checkpoint and manifest know. `rebuild`
makes a new checkpoint of both, `write` the files that take the place of damaged ones. `run` puts all that into place:
the checkpoint by one rename, then the files, which the checkpoint knows of.
"""
