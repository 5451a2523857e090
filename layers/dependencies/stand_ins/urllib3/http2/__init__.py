"""Stands in for urllib3's HTTP/2, which asks importlib.metadata for a package that is not here."""
