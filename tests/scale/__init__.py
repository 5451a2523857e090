"""The tools of `make bench-scale`, and small versions of what it measures."""
