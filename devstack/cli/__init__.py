"""The command line: settings, console output, the /dev/ endpoints and `sam local`."""
