"""The `liveseq` command. Each subcommand imports what it needs when it is called, not before."""

import argparse
import errno
import sys
from collections.abc import Sequence

from liveseq import __version__
from liveseq.errors import LiveseqError
from liveseq.terminal import silence, take_any_text, too_long


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand. Returns the exit status: 0, or 2 with one clear line on stderr."""
    take_any_text(sys.stdout)
    arguments = _parser().parse_args(argv)
    try:
        status = int(arguments.run(arguments) or 0)
        sys.stdout.flush()
        return status
    except LiveseqError as error:
        print(f"liveseq: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("liveseq: stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:  # `| head` has seen enough; what is still buffered must not complain at exit
        silence(sys.stdout)
        return 141
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            print(f"liveseq: {too_long(error)}", file=sys.stderr)
            return 2
        if error.filename is not None or _can_print():
            raise
        silence(sys.stdout)
        print(
            f"liveseq: the output cannot be written ({error.strerror}); write it where there is room", file=sys.stderr
        )
        return 2


def _can_print() -> bool:
    try:
        print(flush=True)
    except OSError:
        return False
    return True


def _parser() -> argparse.ArgumentParser:
    from liveseq.corpus import cli as corpus
    from liveseq.generation import cli as generation
    from liveseq.offline import cli as offline
    from liveseq.offline import corpus_words
    from liveseq.server import cli as server
    from liveseq.train import cli as train
    from liveseq.train.sound.vocoders.melgan import importing

    parser = argparse.ArgumentParser(prog="liveseq", description="Tag in, endless sequenced sound out.")
    parser.add_argument("--version", action="version", version=f"liveseq {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    corpus_words.add_command(corpus.add_commands(commands))
    generation.add_commands(commands)
    train.add_commands(commands)
    importing.add_commands(commands)
    offline.add_commands(commands)
    server.add_commands(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
