"""Starting servers as background jobs of a shell."""

BACKGROUND_JOB = ("sh", "-c", 'trap "" INT; exec "$@"', "sh")
"""Runs the command that follows it as a shell without job control runs its background jobs: with
SIGINT ignored. Processes inherit that, and Python then does not make a KeyboardInterrupt of it."""
