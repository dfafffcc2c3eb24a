"""Words of a performer matched with tags: the shipped student beside its teacher.

    python -m benchmarks.choice.tag_meaning                # writes benchmarks/results/tag_meaning.json

Phrases: tag_phrases.tsv, by the same hand as the lexicon. A third of them are words that the lexicon teaches, so the
shipped student has seen them. The figure to quote is therefore "held out": a student distilled anew without any lexicon
word that occurs in any of the phrases (the tags themselves excepted). It is made on first use (minutes) in runs/;
delete it there after a change of the lexicon or of the distillation.
"""

import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import options
from benchmarks.pages import table
from benchmarks.paths import ROOT
from benchmarks.registry import Benchmark, Section
from liveseq.demo.pieces import TAGS as DEMO_TAGS
from liveseq.runtime.tag_matcher import TagMatcher
from liveseq.runtime.text import TextEncoder
from liveseq.train.words.export import distil, export_full
from liveseq.train.words.teacher import packaged_teacher

HERE = Path(__file__).resolve().parent
RUNS = ROOT / "runs"
TAGS = (*DEMO_TAGS, "percussion", "ambient")
"""The demo corpus's, and two that a performer's own folders are likely to have."""


def read_phrases(path: Path) -> list[tuple[str, str, frozenset[str]]]:
    """(kind, phrase, acceptable tags); none for what must be refused."""
    lines = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    return [(kind, text, frozenset() if tags == "-" else frozenset(tags.split("|"))) for kind, text, tags in lines]


def judge(matcher: TagMatcher, phrases: list[tuple[str, str, frozenset[str]]]) -> dict:
    """Shares from 0 to 1, and milliseconds of a match."""
    top1: dict[str, list[bool]] = {}
    top3, answered, right, refused_related, refused_unrelated, times = [], [], [], 0, 0, []
    for kind, text, tags in phrases:
        start = time.perf_counter()
        match = matcher.match(text)
        times.append(1e3 * (time.perf_counter() - start))
        if not tags:
            refused_unrelated += not match.known
            continue
        names = [name for name, _ in match.best]
        top1.setdefault(kind, []).append(bool(names) and names[0] in tags)
        top3.append(bool(tags & set(names[:3])))
        answered.append(match.known)
        right.append(match.known and names[0] in tags)
        refused_related += not match.known
    n_unrelated = sum(not tags for _, _, tags in phrases)
    return {
        "top1": np.mean([hit for hits in top1.values() for hit in hits]),
        "top3": np.mean(top3),
        "answered": np.mean(answered),
        "answered_right": np.mean(right),
        "refusal_precision": refused_unrelated / max(1, refused_unrelated + refused_related),
        "refusal_recall": refused_unrelated / n_unrelated,
        "p50_ms": np.percentile(times, 50),
        "p99_ms": np.percentile(times, 99),
        "top1_by_kind": {kind: np.mean(values) for kind, values in top1.items()},
    }


class PlainMatcher(TagMatcher):
    """A matcher by the cosine of the whole text alone: no spelling, no single words, no exact name."""

    def _spelt(self, word: str) -> str:
        return word

    def _scores(self, name: str) -> np.ndarray:
        return self.encoder.embed([name])[0] @ self._vectors.T


def encoders() -> dict[str, TextEncoder]:
    """Shipped student, held-out student, whole teacher; the last two are made on first use."""
    held_out, teacher = RUNS / "text-encoder-held-out", RUNS / "text-encoder-teacher"
    if not (held_out / "model.yaml").is_file():
        texts = [text for name in ("tag_phrases", "tag_phrases_tuning") for _, text, _ in read_phrases(_file(name))]
        distil(held_out, held_out=texts, keep=TAGS)
    if not (teacher / "model.yaml").is_file():
        export_full(str(packaged_teacher()), teacher)
    folders = {"teacher": teacher, "student, held out": held_out, "student, shipped": ROOT / "models" / "text-encoder"}
    return {name: TextEncoder(folder) for name, folder in folders.items()}


def _file(name: str) -> Path:
    return HERE / f"{name}.tsv"


def main() -> None:
    options.parser(__doc__).parse_args()
    results: dict = {"tags": TAGS}
    loaded = encoders()
    for name in ("tag_phrases_tuning", "tag_phrases"):
        phrases = read_phrases(_file(name))
        results[name] = {
            f"{encoder}, {how}": judge(matcher(loaded[encoder], TAGS), phrases)
            for encoder in loaded
            for how, matcher in (("cosine", PlainMatcher), ("matcher", TagMatcher))
        }
        print(f"\n{name}: {len(phrases)} phrases")
        columns = [key for key in next(iter(results[name].values())) if key != "top1_by_kind"]
        print(f"{'':28}" + "".join(f"{c.replace('refusal_', 'ref_'):>15}" for c in columns))
        for row, figures in results[name].items():
            print(f"{row:28}" + "".join(f"{figures[c]:15.3f}" for c in columns))
    BENCHMARK.save(results)


def section(figures: dict[str, Any]) -> str:
    keys = ("top1", "top3", "answered_right", "refusal_precision", "refusal_recall", "p50_ms", "p99_ms")
    rows = [[name, *(row[key] for key in keys)] for name, row in figures["tag_phrases"].items()]
    return f"""## Meaning of tags

`{BENCHMARK.command}`: phrases (benchmarks/choice/tag_phrases.tsv) against {len(figures["tags"])}
tags. The figure to quote is "held out": a third of the phrases are words that the shipped student was taught.
"answered right": of those that have an answer, how many got it and were not refused.

{table(["", "top 1", "top 3", "answered right", "refusal precision", "refusal recall", "p50 ms", "p99 ms"], rows)}"""


BENCHMARK = Benchmark(file=__file__, minutes=3, sections=(Section(text=section, place=100),))

if __name__ == "__main__":
    main()
