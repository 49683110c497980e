"""An archive as a whole: its lines, lists, manifest, and what it lacks."""
