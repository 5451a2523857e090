"""`python -m devstack`: run a stack until Ctrl-C."""

import sys

from devstack.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
