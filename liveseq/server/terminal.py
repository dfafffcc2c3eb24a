"""Lines for whoever has started the server. Where nobody reads them any more (`| head -1`), it plays on."""

import os
from typing import TextIO


def say(text: str, stream: TextIO) -> None:
    """Print a line, at once. Where its reader has gone, this one and all that follow go nowhere."""
    try:
        print(text, file=stream, flush=True)
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())  # what is still buffered must not complain at exit
        os.close(nowhere)
