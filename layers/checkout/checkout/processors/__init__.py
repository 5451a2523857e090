"""Payment processors: the protocol, its adapters, payment attempts and refunds."""
