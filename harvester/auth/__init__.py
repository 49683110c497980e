"""Logging in, and keeping logins."""
