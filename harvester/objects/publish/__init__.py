"""A copy of an archive in a store, which whoever reads it finds whole at any moment.

Each file goes there under a name that has its content in it, and is never changed; `manifest.json` goes last and tells
which of them are the archive. See `plan` for what that means for readers.
"""
