"""The public APIs: requests, responses and authentication for all dialects, a package for each."""
