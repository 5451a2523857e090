"""Stands in for Powertools' utilities."""
