"""Replaces pydantic's search for plugins, which imports importlib.metadata: there are none."""


def get_plugins() -> tuple[()]:
    return ()
