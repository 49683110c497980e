"""Any method of Flickr's API, by its name and its arguments: one answer, or all rows of a list."""
