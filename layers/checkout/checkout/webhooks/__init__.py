"""Telling merchants: fan-out, queue, signature, sending, retries."""
