"""The OpenAPI documents of both public APIs, made from template.yaml and the library's models.

`python -m devstack.openapi` writes them to docs/openapi.
"""
