"""PayGate's dialect: JSON bodies, Bearer keys, ISO timestamps."""
