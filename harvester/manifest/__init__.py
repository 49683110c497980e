"""The manifest: its form, how it is kept up to date during a harvest, and the proof of an archive by it alone."""
