"""HTTP calls: connections, time limits, retries."""
