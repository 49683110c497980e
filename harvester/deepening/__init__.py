"""Deepening an archive in place: the parts of each photo that its lines lack are fetched, and nothing else.

An archive's own lines take the place of a listing, so nothing is listed and no part is asked for twice. Until all of it
is there, the archive stays as it was. Then it is folded in as an update is, and the old lines go into the history.
"""
