"""The file system beneath an archive: what may stand in its folder, who may write there, what each system can do."""
