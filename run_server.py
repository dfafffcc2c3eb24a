"""Start the server: python run_server.py --help."""

import sys

from liveseq.server.cli import serve

if __name__ == "__main__":
    sys.exit(serve())
