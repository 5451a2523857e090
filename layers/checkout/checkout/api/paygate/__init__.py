"""PayGate's dialect: JSON bodies, Bearer authentication, ISO 8601 timestamps."""
