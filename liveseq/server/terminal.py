"""Lines for whoever has started the server. Where nobody reads them any more (`| head -1`), it plays on."""

import io
import os
from typing import TextIO


def take_any_text(stream: TextIO) -> None:
    """Let a stream write letters that it does not have as escapes: paths are any bytes, and terminals know few."""
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")


def silence(stream: TextIO) -> None:
    """Let what is still buffered, and all that follows, go nowhere: it must not complain at exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def say(text: str, stream: TextIO) -> None:
    """Print a line, at once. Where its reader has gone, this one and all that follow go nowhere."""
    try:
        print(text, file=stream, flush=True)
    except OSError:
        silence(stream)
