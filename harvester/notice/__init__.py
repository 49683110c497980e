"""Whoever is not watching is told: a command of the user's when a run is over, and systemd while it goes on."""
