"""Webhooks: fan-out of events, queue, signatures, sending and retries."""
