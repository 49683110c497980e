"""Notifications: a command of the user's runs at the end of a run, and systemd is told during it."""
