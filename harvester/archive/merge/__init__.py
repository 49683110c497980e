"""A finished update becomes part of its archive in one step."""
