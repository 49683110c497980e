"""Whether an archive is whole, by its manifest and its checkpoint."""
