"""Replaces Powertools' utilities."""
