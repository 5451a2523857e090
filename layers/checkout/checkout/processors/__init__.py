"""Payment processors: the protocol, its adapters, and the life of an attempt at one."""
