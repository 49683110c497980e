"""`harvester report`: what can be seen of archives, on one page.

`survey` counts the lines of a stretch, `total` adds that up, `told` reads what the archive itself says of itself, and
`run` makes one page of it all. No photo is kept but the few that are looked at most: a report's size and memory do not
grow with the archive.
"""
