"""Replaces botocore's documentation generator."""
