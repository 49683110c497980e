"""Harvest Flickr's metadata: complete, exactly once, within the quota."""

__version__ = "0.1.0"
