"""Replaces the search for correlation ids, which this service takes from the request."""
