"""The closed parts of an archive's photos: what they are called, how they are packed, how they are read."""
