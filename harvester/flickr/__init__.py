"""Flickr's API without any I/O: methods, answers, failures, signatures."""
