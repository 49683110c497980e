"""Stretches of upload time of which Flickr keeps photos back: what is told of them, and how they are read again."""
