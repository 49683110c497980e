"""A live view of harvests, attached from outside: a page on this machine's own address, or lines for a terminal."""
