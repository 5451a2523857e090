"""Two small shops that use the service, one for each dialect."""
