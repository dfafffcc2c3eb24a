"""`liveseq corpus ensemble`: its options, and its answer."""

import argparse
from collections.abc import Callable
from pathlib import Path

_HELP = "compose a corpus for General MIDI instruments, rendered by fluidsynth, to train on"
_DESCRIPTION = (
    "Needs the program fluidsynth and a General MIDI soundfont (Debian: apt-get install fluidsynth fluid-soundfont-gm)."
    " Each piece's instruments, key, metre, tempo, mood, dynamics and form are written to pieces.jsonl in the corpus."
)
_ONLY = "families (piano, strings, drums, ensembles ...) or styles (jazz, techno ...)"


def add_ensemble(
    actions: "argparse._SubParsersAction[argparse.ArgumentParser]",
    *,
    positive: Callable[[str], int],
    report: Callable[..., int],
) -> None:
    """positive: reads a number of processes; report: prints what a build did, and gives the exit status."""
    parser = actions.add_parser("ensemble", help=_HELP, description=_DESCRIPTION)
    out = Path("corpora/ensemble.corpus")
    parser.add_argument("--out", type=Path, default=out, help=f"({out}); what is there already is kept")
    parser.add_argument("--minutes", type=float, default=30.0, help="of music; more go on from fewer (30)")
    parser.add_argument("--seed", type=int, default=1, help="another number, other music (1)")
    parser.add_argument(
        "--soundfont", type=Path, metavar="FILE", help="a General MIDI .sf2 (FluidR3, where it is found)"
    )
    parser.add_argument("--only", nargs="+", default=[], metavar="FAMILY", help=_ONLY)
    parser.add_argument("--sample-rate", type=int, help="in Hz (48000)")
    parser.add_argument("--jobs", type=positive, help="processes (one per core)")
    parser.set_defaults(run=lambda arguments: _ensemble(arguments, report))


def _ensemble(arguments: argparse.Namespace, report: Callable[..., int]) -> int:
    from liveseq.corpus.ensemble.build import build_ensemble

    built = build_ensemble(
        arguments.out,
        minutes=arguments.minutes,
        seed=arguments.seed,
        soundfont=arguments.soundfont,
        only=arguments.only,
        sample_rate=arguments.sample_rate,
        jobs=arguments.jobs,
        progress=True,
    )
    return report(built, arguments.out)
