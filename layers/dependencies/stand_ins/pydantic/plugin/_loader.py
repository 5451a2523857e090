"""Stands in for pydantic's search for plugins: there are none, and no metadata to find any by."""


def get_plugins() -> tuple[()]:
    return ()
