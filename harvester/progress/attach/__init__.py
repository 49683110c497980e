"""A way into a run from outside: a socket at which it tells how far it is, and can be paused and stopped."""
