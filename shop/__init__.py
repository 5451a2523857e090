"""Two small shops to try the service in, one for each dialect."""
