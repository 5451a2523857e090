"""Stands in for what the Logger looks correlation ids up with; ours come from the request."""
