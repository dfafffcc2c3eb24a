"""`liveseq osc` and the command line of run_server.py."""

import argparse
import errno
import logging
import os
import sys
import time
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from liveseq.config import PROVIDERS, ServerConfig, load_config
from liveseq.errors import ConfigError, LiveseqError
from liveseq.terminal import never_wait, say, too_long

# Flag -> key of the configuration.
_KEYS = {
    "corpus": "corpus",
    "predictor": "predictor",
    "generator": "generator",
    "provider": "provider",
    "output": "output",
    "input": "input",
    "seeds": "seeds",
    "osc_port": "osc.port",
    "listen": "osc.listen",
    "allow": "osc.allow",
    "sample_rate": "sample_rate",
    "block_size": "block_size",
    "layers": "layers",
    "seed": "seed",
    "state_dir": "state_dir",
    "play": "play",
}


def serve(argv: Sequence[str] | None = None) -> int:
    """run_server.py. Returns the exit status: 0, or 2 with one clear line on stderr."""
    began = _process_start()
    never_wait()
    logging.basicConfig(level=logging.WARNING, format="liveseq: %(message)s")
    # numpy's and faiss's own threads would spin beside the audio; the children inherit this.
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    # Nor is the kernel asked to gather huge pages for arrays: it takes a core from the audio for up to 3 ms.
    os.environ.setdefault("NUMPY_MADVISE_HUGEPAGE", "0")
    arguments = _serve_parser().parse_args(argv)
    try:
        config = load_config(arguments.config, {key: getattr(arguments, flag) for flag, key in _KEYS.items()})
        record = arguments.play is not None and arguments.output is None
        return _run(config, began=began, record=record, resume=arguments.resume)
    except LiveseqError as error:
        say(f"liveseq: {error}", sys.stderr)
        return 2
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise
        say(f"liveseq: {too_long(error)}", sys.stderr)
        return 2
    except KeyboardInterrupt:
        say("liveseq: stopped", sys.stderr)
        return 130


def _run(config: ServerConfig, *, began: float, record: bool, resume: bool) -> int:
    from liveseq.server.first_corpus import first_corpus
    from liveseq.server.port import bind
    from liveseq.server.supervisor import Supervisor

    if config.output.startswith("wav:"):
        from liveseq.dsp.saving import check_output

        check_output(Path(config.output.removeprefix("wav:")), suffixes=(".wav",))  # now, not when nothing is recorded
    if (advice := unreachable(config)) is not None:
        say(f"liveseq: {advice}", sys.stderr)
    if not config.corpus:
        for one in bind(config.osc.listen, config.osc.port):  # now, not when a corpus has been made for nothing
            one.close()
    take = Path("takes") / time.strftime("%Y-%m-%d-%H%M%S.wav")
    corpora = nullcontext(config.corpus) if config.corpus else first_corpus(config.sample_rate, wanted=config.play)
    with corpora as corpus:
        return Supervisor(config, corpus, began=began, take_up=resume).run(record_to=take if record else None)


def unreachable(config: ServerConfig) -> str | None:
    """Advice where hosts are allowed that cannot reach the server."""
    if config.osc.allow and config.osc.listen in ("127.0.0.1", "::1", "localhost"):
        return f"osc.allow: only this machine reaches {config.osc.listen}; open it to the others: --listen 0.0.0.0"
    return None


def _process_start() -> float:
    """Unix time at which this process began, imports and all."""
    import psutil

    return float(psutil.Process().create_time())


def _serve_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="run_server.py", description="Plays a corpus live, controlled by OSC. docs/osc.md lists every message."
    )
    add, usual = parser.add_argument, ServerConfig()
    add("--config", type=Path, metavar="FILE", help="YAML file; flags win over it")
    add("--corpus", metavar="FOLDER", help="made by `liveseq corpus build` (default: made on first use)")
    add("--predictor", metavar="MODEL", help=f"model folder, or its name under models/ (default: {usual.predictor})")
    add("--generator", metavar="MODEL", help=f"the same, of the one that makes new sound (default: {usual.generator})")
    add("--provider", metavar="NAME", help=f"what runs it: {', '.join(PROVIDERS)} (default: {usual.provider})")
    add("--output", metavar="NAME", help='device name, "name, host API", default, none, or wav:PATH')
    add("--input", metavar="NAME", help="device to listen to: a name, or default (default: none)")
    add("--seeds", metavar="FOLDER", help=f"where /liveseq/seed/file finds its files (default: {usual.seeds})")
    add("--osc-port", type=_port, metavar="N", help=f'UDP port, or "auto" (default: {usual.osc.port})')
    add("--listen", metavar="ADDRESS", help=f"address to listen on (default: {usual.osc.listen})")
    add(
        "--allow",
        action="append",
        metavar="HOST",
        help="may send too: an address, a network, a name, or *; again for more",
    )
    add("--sample-rate", type=int, metavar="HZ", help="refuse a corpus of another rate")
    add("--block-size", type=int, metavar="N", help=f"samples per block (default: {usual.block_size})")
    add("--layers", type=int, metavar="N", help=f"lines of sound (default: {usual.layers})")
    add("--seed", type=int, metavar="N", help=f"repeatable randomness (default: {usual.seed})")
    add("--resume", action="store_true", help="take up the last set, from the state folder, where it was")
    add("--state-dir", metavar="FOLDER", help=f"session snapshot and flight recorder (default: {usual.state_dir})")
    add(
        "--play",
        nargs="?",
        const="",
        metavar="TAG",
        help="begin at once, with this tag or the first of the corpus; without a sound device record to takes/",
    )
    return parser


def _port(text: str) -> int | str:
    return int(text) if text.isdecimal() else text


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """`liveseq osc`."""
    osc = commands.add_parser("osc", help="the OSC messages").add_subparsers(required=True, metavar="COMMAND")
    table = osc.add_parser("table", help="write the reference of every message, in Markdown")
    table.add_argument("--out", type=Path, required=True, help="file to write")
    table.set_defaults(run=_write_reference)


def _write_reference(arguments: argparse.Namespace) -> None:
    from liveseq.osc.reference import reference

    try:
        arguments.out.write_text(reference(), encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{arguments.out}: cannot be written ({error.strerror})") from None
