"""Replaces urllib3's HTTP/2, which imports importlib.metadata to search for a package."""
