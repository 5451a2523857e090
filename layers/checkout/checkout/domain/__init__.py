"""The pure core: what a session, a payment and an event are. No AWS, no HTTP."""
