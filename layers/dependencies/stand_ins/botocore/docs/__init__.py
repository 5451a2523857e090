"""Stands in for botocore's documentation generator."""
