"""Stands in for Jinja's parser: the build has compiled every template."""

Parser = None
