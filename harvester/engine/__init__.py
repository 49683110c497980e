"""One harvest, from the first call to the last line."""
