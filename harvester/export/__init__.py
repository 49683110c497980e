"""Archives as flat, typed tables: one row a photo.

`columns` says what a row is, `row` makes one out of a line of photos.ndjson, `source` finds the lines, and each format
writes rows in its own way. Nothing here makes a call or writes in an archive.
"""
