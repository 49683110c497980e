"""Calls over the wire: connections, time limits, retries."""
