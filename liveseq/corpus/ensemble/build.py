"""A corpus of pieces composed for General MIDI instruments (`liveseq.demo.ensemble`), and its descriptions.

Beside corpus.db lies pieces.jsonl: a line of JSON for each piece, found by the name of its source. It is written anew
from the scores at the end of each build, however that ends, so it never speaks of a piece that is not there.
"""

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from liveseq import __version__
from liveseq.corpus.analyse import Addition
from liveseq.corpus.build import BuildReport, build_composed
from liveseq.corpus.schema import DATABASE
from liveseq.corpus.source import Provenance, Source
from liveseq.corpus.store import Corpus
from liveseq.errors import CorpusError

DESCRIPTIONS = "pieces.jsonl"
MODEL = "liveseq.demo.ensemble"


def build_ensemble(
    out: Path,
    *,
    minutes: float,
    seed: int,
    soundfont: Path | None = None,
    only: Sequence[str] = (),
    sample_rate: int | None = None,
    jobs: int | None = None,
    progress: bool = False,
) -> BuildReport:
    """Compose so many minutes of music, and add what is not there yet. The same seed gives the same pieces.

    only: families or styles (`compose.titles`); more minutes later go on from the pieces of before. soundfont: None is
    FluidR3 where the system keeps it. Raises ConfigError where fluidsynth or the soundfont cannot be used.
    """
    if seed < 0:
        raise CorpusError(f"seed {seed}: expected 0 or more")
    if not 0.0 < minutes <= 6000.0:
        raise CorpusError(f"minutes {minutes:g}: expected more than 0, and 6000 (100 hours) at the most")
    pieces = _pieces(minutes=minutes, seed=seed, soundfont=soundfont, only=only)
    try:
        return build_composed(out, pieces, sample_rate=sample_rate, jobs=jobs, progress=progress)
    finally:
        if (out / DATABASE).is_file():
            _write_descriptions(out)


def descriptions(corpus: Path) -> dict[str, dict[str, Any]]:
    """Descriptions of the pieces by the names of their sources. Raises CorpusError if there is no such file."""
    path = corpus / DESCRIPTIONS
    try:
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        return {line["name"]: line for line in lines}
    except (OSError, ValueError, KeyError, RecursionError) as error:
        raise CorpusError(f"{path}: no descriptions there ({error}); liveseq corpus ensemble writes them") from error


def _pieces(*, minutes: float, seed: int, soundfont: Path | None, only: Sequence[str]) -> list[Addition]:
    from liveseq.demo.ensemble.compose import commissions, compose
    from liveseq.demo.ensemble.fluidsynth import check_soundfont, find_program, find_soundfont, soundfont_sha256
    from liveseq.demo.ensemble.performing import seconds_of
    from liveseq.demo.ensemble.sounding import Rendering

    find_program()
    font = find_soundfont(soundfont)
    check_soundfont(font)
    made = Provenance(
        kind="demo", seed=seed, model=f"{MODEL} {__version__}, {font.name}", model_sha256=soundfont_sha256(font)
    )
    found, seconds = [], 0.0
    for commission in commissions(seed, only):
        if seconds >= 60.0 * minutes:
            break
        score, _ = compose(commission)
        seconds += seconds_of(score)
        origin = Rendering(commission, font)
        found.append(Addition(origin=origin, name=score.name, tags=score.tags, provenance=made))
    return found


def _is_ours(source: Source) -> bool:
    return source.provenance.kind == "demo" and (source.provenance.model or "").startswith(f"{MODEL} ")


def _write_descriptions(corpus: Path) -> None:
    with Corpus.open(corpus) as opened:
        lines = [json.dumps(line, ensure_ascii=False) for line in _lines(opened)]
    part = corpus / f".{DESCRIPTIONS}.part"
    part.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    os.replace(part, corpus / DESCRIPTIONS)


def _lines(corpus: Corpus) -> Iterator[dict[str, Any]]:
    from liveseq.demo.ensemble.compose import Commission, compose
    from liveseq.demo.ensemble.describing import describe

    for source in corpus.sources():
        if _is_ours(source):
            score, _ = compose(Commission.named(source.name))
            yield {**describe(score), "seconds": round(source.n_samples / corpus.sample_rate, 2)}
