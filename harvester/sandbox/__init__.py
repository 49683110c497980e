"""A local server that behaves like Flickr, faults included. Its photos follow from a seed."""
