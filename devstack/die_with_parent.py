"""Runs a command that is terminated when the process that started it dies, even by kill -9. SIGINT
and SIGTERM end the command even if that process ignores them.

Run as a script: `python die_with_parent.py <parent's pid> <command> …`. It is a script because
the setting has to be made between fork and exec, where a threaded process must not run Python.

Linux only. On other systems, a command whose parent was killed with kill -9 runs on until it is
stopped by hand. A parent that ends normally stops its commands itself, on every system. Also looked
at: python-prctl, which needs a C compiler.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Ask the kernel to signal this process when its parent dies, then become the command."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    # A background job ignores SIGINT, and what it starts would inherit that.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # the parent died before the setting was made
            sys.exit(1)
    os.execv(command[0], command)


if __name__ == "__main__":
    main()
