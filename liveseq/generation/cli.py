"""`liveseq generate`: sound of a generator into a file, or into a corpus before a gig."""

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from liveseq.config import PROVIDERS
from liveseq.errors import ConfigError
from liveseq.runtime.folders import GENERATOR
from liveseq.runtime.limits import HEARD_SECONDS, MAX_MINUTES, SECONDS, TEMPO

if TYPE_CHECKING:
    from liveseq.generation.meaning import Vocabulary
    from liveseq.runtime.generator import OnnxGenerator

_HELP = (
    "What the running server does at /liveseq/generate, beforehand: into a file to listen to, or into a corpus, in "
    "pieces of up to 20 s with a seed each. A corpus that a server is playing grows under it. What was stopped goes on "
    "when it is called again."
)


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `liveseq generate`."""
    parser = commands.add_parser("generate", help="make sound with a generator, without a server", description=_HELP)
    add = parser.add_argument
    add("out", type=Path, nargs="?", metavar="FILE", help="wav, flac, mp3, ogg or aiff file to write")
    add("--into", type=Path, metavar="CORPUS", help="corpus to fill instead; it is made if it is not there")
    add("--model", default=GENERATOR, help=f"model folder, or its name under models/ ({GENERATOR})")
    add("--tag", action="append", default=[], help="what to make, in words; again for more")
    add("--all-tags", action="store_true", help="every tag that the model was taught")
    add("--seconds", type=float, help=f"{SECONDS[0]:g} to {SECONDS[1]:g} (20)")
    add("--minutes", type=float, help="instead: minutes of each tag, into a corpus")
    add("--tempo", type=float, help=f"{TEMPO[0]:g} to {TEMPO[1]:g} beats per minute (the model's own)")
    add(
        "--seed-file",
        type=Path,
        metavar="RECORDING",
        help=f"its first {HEARD_SECONDS:g} s are heard; the model goes on",
    )
    add("--seed", type=int, default=1, help="the same seed makes the same sound (1)")
    add(
        "--provider", choices=PROVIDERS, default="cpu", help="what runs the model; where it is not there, the CPU (cpu)"
    )
    add("--jobs", type=int, help="processes that fill a corpus (one per core; one on a GPU)")
    add("--sample-rate", type=int, help="of the file, in Hz (the model's)")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    if (arguments.out is None) == (arguments.into is None):
        raise ConfigError("generate: expected a sound file or --into CORPUS, and not both")
    if bool(arguments.tag) == arguments.all_tags:
        raise ConfigError("generate: expected --tag WORDS, or --all-tags for every tag that the model was taught")
    if arguments.seed_file is not None and arguments.into is not None:
        raise ConfigError("--seed-file: is for a file; a corpus takes --into with --tag alone")
    seconds = _seconds(arguments)
    if arguments.tempo is not None and not TEMPO[0] <= arguments.tempo <= TEMPO[1]:
        raise ConfigError(f"--tempo: expected {TEMPO[0]:g} to {TEMPO[1]:g}, found {arguments.tempo:g}")
    if not 0 <= arguments.seed < 2**31:
        raise ConfigError(f"--seed: expected 0 to {2**31 - 1}, found {arguments.seed}")
    if arguments.jobs is not None and arguments.jobs < 1:
        raise ConfigError(f"--jobs: expected 1 or more, found {arguments.jobs}")
    from liveseq.dsp.saving import check_output
    from liveseq.generation.meaning import Vocabulary
    from liveseq.generation.models import Models
    from liveseq.runtime.folders import TEXT_ENCODER, model_folder
    from liveseq.runtime.text import TextEncoder

    if arguments.out is not None:
        check_output(arguments.out, sample_rate=arguments.sample_rate)
    folder = model_folder(arguments.model)
    words = Vocabulary(folder, TextEncoder(model_folder(TEXT_ENCODER)))
    if arguments.tempo is not None and "tempo" not in [tensor.name for tensor in words.manifest.inputs]:
        raise ConfigError(f"--tempo: {arguments.model} follows no tempo: its graph has no such input; leave it out")
    if arguments.all_tags and not words.tags:
        raise ConfigError(f"--all-tags: {arguments.model} was taught no tags; give --tag WORDS")
    if arguments.into is not None:
        return _fill(arguments, words, seconds=seconds)
    _write(arguments, words, Models(arguments.provider).get(folder), seconds=seconds)
    return 0


def _seconds(arguments: argparse.Namespace) -> float:
    if arguments.minutes is None:
        seconds = arguments.seconds if arguments.seconds is not None else 20.0
        if not SECONDS[0] <= seconds <= SECONDS[1]:
            raise ConfigError(f"--seconds: expected {SECONDS[0]:g} to {SECONDS[1]:g}, found {seconds:g}")
        return float(seconds)
    if arguments.into is None or arguments.seconds is not None:
        raise ConfigError("--minutes: is for --into CORPUS, instead of --seconds; a file takes --seconds")
    if not SECONDS[0] / 60.0 <= arguments.minutes <= MAX_MINUTES:
        raise ConfigError(f"--minutes: expected up to {MAX_MINUTES:g}, found {arguments.minutes:g}")
    return float(60.0 * arguments.minutes)


def _fill(arguments: argparse.Namespace, words: "Vocabulary", *, seconds: float) -> int:
    from liveseq.generation.filling import fill
    from liveseq.generation.progress import progress

    meanings = [words.meaning(text) for text in (words.tags if arguments.all_tags else arguments.tag)]
    with progress(seconds * len(meanings), title="generate") as done:
        report = fill(
            arguments.into,
            words,
            meanings,
            seconds=seconds,
            seed=arguments.seed,
            jobs=arguments.jobs or (os.cpu_count() or 1 if arguments.provider == "cpu" else 1),
            tempo=arguments.tempo or 0.0,
            provider=arguments.provider,
            done=done,
        )
    for line in report.refused:
        print(f"liveseq: left out: {line}", file=sys.stderr)
    known = f", {report.n_known} known" if report.n_known else ""
    refused = f", {len(report.refused)} left out" if report.refused else ""
    added = f"{len(report.added)} added ({report.seconds:g} s)"
    print(f"{arguments.into}: {added}, of {len(meanings)} tags{known}{refused}")
    return 0 if report.added or report.n_known else 2


def _write(arguments: argparse.Namespace, words: "Vocabulary", generator: "OnnxGenerator", *, seconds: float) -> None:
    import numpy as np
    from tqdm import tqdm

    from liveseq.corpus.level import USUAL_LUFS, normalised
    from liveseq.dsp.files import resample
    from liveseq.dsp.saving import check_output, save_audio
    from liveseq.generation.beginning import Beginning
    from liveseq.generation.job import Job, JobRun

    rate = arguments.sample_rate or generator.sample_rate
    check_output(arguments.out, sample_rate=rate)
    if arguments.all_tags:
        raise ConfigError("--all-tags: is for --into CORPUS; a file takes --tag")
    meaning = words.blend(dict.fromkeys(arguments.tag, 1.0))
    job = Job(
        folder=generator.folder,
        text=meaning.text,
        tags=meaning.tags,
        vector=meaning.vector,
        seconds=seconds,
        seed=arguments.seed,
        tempo=arguments.tempo or 0.0,
    )
    begun = None if arguments.seed_file is None else Beginning(arguments.seed_file, generator, job)
    run = JobRun(generator, job, states=None if begun is None else begun.states)
    pieces = []
    with tqdm(total=100, unit="%", desc="generate", leave=False, disable=None) as bar:
        while not run.done:
            piece = run.step()
            pieces += [] if piece is None else [piece]
            bar.update(100.0 * run.progress - bar.n)
    made = np.concatenate(pieces)
    y = resample(made if begun is None else begun.before(made), sample_rate=generator.sample_rate, to_rate=rate)
    save_audio(arguments.out, normalised(y, USUAL_LUFS, sample_rate=rate), sample_rate=rate)
    shares = ", ".join(f"{tag} {share:.0%}" for tag, share in meaning.weights.items()) or "no tag"
    after = "" if begun is None else f", after {begun.seconds:.1f} s of {arguments.seed_file.name}"
    print(f"{arguments.out}: {seconds:g} s of {job.wish} ({shares}) by {generator.folder.name}, seed {job.seed}{after}")
