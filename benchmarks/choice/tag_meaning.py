"""Words of a performer matched with tags: facts and the text encoder together, each alone, and what others would do.

    python -m benchmarks.choice.tag_meaning                # writes benchmarks/results/tag_meaning.json

Phrases (benchmarks/choice/phrases): `open`, over six sets of twelve folders that nobody taught, to which nothing was
fitted and which those who wrote the facts have not seen; `languages`, 80 common tags in seven languages; `taught`, over
the demo corpus's tags, whose words the encoder's lexicon teaches; `qualities`, words that say how a thing sounds. The
weights were fitted to `open_tuning` and `taught_tuning`. "Without the tags' own lines" leaves out of the facts every
line that names one of the set's tags: folders of which nothing is known at all.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import options
from benchmarks.pages import table
from benchmarks.paths import ROOT
from benchmarks.registry import Benchmark, Section
from liveseq.demo.pieces import TAGS as DEMO_TAGS
from liveseq.runtime.folders import TEXT_ENCODER, model_folder
from liveseq.runtime.tag_matcher import TagMatch, TagMatcher
from liveseq.runtime.text import TextEncoder
from liveseq.train.words.export import export_full
from liveseq.train.words.teacher import packaged_teacher
from liveseq.words.knowledge import FOLDER, Knowledge, key, knowledge
from liveseq.words.plain import clean, stem
from liveseq.words.qualities import wording
from liveseq.words.reading import Reader
from liveseq.words.scoring import WEIGHING

PHRASES = Path(__file__).resolve().parent / "phrases"
RUNS = ROOT / "runs"
TAGS = (*DEMO_TAGS, "percussion", "ambient")
"""The demo corpus's, and two that a performer's own folders are likely to have."""
Row = tuple[str, str, frozenset[str]]
"""Kind, phrase, acceptable tags; none for what must be refused."""
SAME = {"loud": ("quiet", -1.0), "soft": ("soft", 1.0), "calm": ("sparse", 1.0), "dense": ("busy", 1.0)}


def read_phrases(path: Path) -> list[Row]:
    """Phrases over the demo's tags."""
    lines = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    return [(kind, text, frozenset() if tags == "-" else frozenset(tags.split("|"))) for kind, text, tags in lines]


def read_sets(path: Path) -> Iterator[tuple[list[str], list[Row]]]:
    """Tags of each set of folders, and the phrases over them."""
    lines = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    for name, tags in (line for line in lines if line[0].startswith("@")):
        own = (line[1:] for line in lines if line[0] == name[1:])
        yield tags.split("|"), [(kind, text, frozenset(good.split("|")) - {"-"}) for kind, text, good in own]


class CosineMatcher(TagMatcher):
    """A matcher by the cosine of the whole text alone."""

    def match(self, text: str) -> TagMatch:
        scores = self.encoder.embed([text])[0] @ self._vectors.T
        return _best(self.tags, scores, self.encoder.manifest.settings["threshold"])


class CommonWords:
    """A matcher by words in common alone."""

    def __init__(self, tags: Sequence[str]) -> None:
        self.tags = tags
        self._words = [{stem(word) for word in clean(tag).split()} for tag in tags]

    def match(self, text: str) -> TagMatch:
        said = {stem(word) for word in clean(text).split()}
        scores = np.array([len(said & words) / len(words) for words in self._words])
        return _best(self.tags, scores, 1e-3)


def _best(tags: Sequence[str], scores: np.ndarray, threshold: float) -> TagMatch:
    order = np.argsort(-scores, kind="stable")[:3]
    best = [(tags[i], float(scores[i])) for i in order]
    known = best[0][1] >= threshold
    return TagMatch(weights={best[0][0]: 1.0} if known else {}, best=best, known=known)


def without(tags: Sequence[str]) -> Knowledge:
    """The facts without the lines that name one of these tags."""
    names = {key(tag) for tag in tags}
    known = knowledge()
    kept = tuple(thing for thing in known.things if not names & {key(name) for name in thing.names})
    return replace(known, things=kept)


def judge(rows: Sequence[tuple[Any, Row]]) -> dict[str, Any]:
    """Shares from 0 to 1, and milliseconds of a match. rows: matcher and phrase."""
    right: dict[str, list[bool]] = {}
    lost: dict[str, list[bool]] = {}
    top3, refused, times = [], [], []
    for matcher, (kind, text, tags) in rows:
        start = time.perf_counter()
        match = matcher.match(text)
        times.append(1e3 * (time.perf_counter() - start))
        names = [name for name, _ in match.best]
        if tags:
            right.setdefault(kind, []).append(bool(match.weights) and names[0] in tags)
            lost.setdefault(kind, []).append(not match.weights)
            top3.append(bool(tags & set(names)))
        else:
            refused.append(not match.weights)
    return {
        "right": np.mean([hit for hits in right.values() for hit in hits]),
        "top3": np.mean(top3),
        "refused": np.mean(refused) if refused else None,
        "p50_ms": np.percentile(times, 50),
        "p99_ms": np.percentile(times, 99),
        "phrases": len(rows),
        "by_kind": {kind: np.mean(hits) for kind, hits in right.items()},
        "lost_by_kind": {kind: np.mean(hits) for kind, hits in lost.items()},
    }


def ways(teacher: TextEncoder, student: TextEncoder) -> dict[str, Callable[[Sequence[str]], Any]]:
    """Name -> matcher of tags."""
    facts = replace(WEIGHING, name=0.0, guess=0.0)
    return {
        "facts and encoder": lambda tags: TagMatcher(student, tags),
        "without the tags' own lines": lambda tags: TagMatcher(student, tags, known=without(tags)),
        "facts alone": lambda tags: TagMatcher(student, tags, weighing=facts),
        "encoder alone": lambda tags: CosineMatcher(student, tags),
        "MiniLM, its teacher": lambda tags: CosineMatcher(teacher, tags),
        "words in common": CommonWords,
    }


def all_rows(make: Callable[[Sequence[str]], Any]) -> dict[str, list[tuple[Any, Row]]]:
    """What is measured -> matcher and phrase of each row."""
    found: dict[str, list[tuple[Any, Row]]] = {"open": [], "open, tuning": []}
    for name, path in (("open", "open.tsv"), ("open, tuning", "open_tuning.tsv")):
        for tags, rows in read_sets(PHRASES / path):
            matcher = make(tags)
            found[name] += [(matcher, row) for row in rows]
    matcher = make(TAGS)
    found["taught"] = [(matcher, row) for row in read_phrases(PHRASES / "taught.tsv")]
    lines = (PHRASES / "languages.tsv").read_text(encoding="utf-8").splitlines()
    words = [line.split("\t") for line in lines if line and not line.startswith("#")]
    matcher = make(list(dict.fromkeys(tag for _, _, tag in words)))
    for language, word, tag in words:
        found.setdefault(language, []).append((matcher, (language, word, frozenset([tag]))))
    return found


def qualities_read() -> float:
    """Share of the phrases whose qualities are all understood, with their signs, and nothing else."""
    reader = Reader(knowledge(), wording(), tags={}, is_word=lambda word: True, mend=lambda word: None)
    hits = []
    for line in (PHRASES / "qualities.tsv").read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        text, _, said = line.split("\t")
        wanted = set()
        for one in said.split():
            name, sign = SAME.get(one[:-1], (wording().qualities[one[:-1]].name, 1.0))
            wanted.add((wording().qualities[name].name, sign if one.endswith("+") else -sign))
        parts = [part for part in reader.read(text) if part.quality is not None]
        found = {_direction(part.quality.name, np.sign(part.sign)) for part in parts if part.quality is not None}
        hits.append(found == {_direction(name, sign) for name, sign in wanted})
    return float(np.mean(hits))


def _direction(name: str, sign: float) -> tuple[str, float]:
    """Of loud and quiet one is the other's contrary."""
    return ("quiet", -sign) if name == "loud" else (name, float(sign))


def _teacher() -> TextEncoder:
    """The whole sentence model; exported on first use (a minute), in runs/."""
    folder = RUNS / "text-encoder-teacher"
    if not (folder / "model.yaml").is_file():
        export_full(str(packaged_teacher()), folder)
    return TextEncoder(folder)


def main() -> None:
    options.parser(__doc__).parse_args()
    folder = model_folder(TEXT_ENCODER)
    results: dict[str, Any] = {"things": len(knowledge().things), "qualities": qualities_read()}
    results["megabytes"] = sum(path.stat().st_size for path in folder.iterdir()) / 1e6
    results["facts_megabytes"] = sum(path.stat().st_size for path in FOLDER.rglob("*.txt")) / 1e6
    results["ways"] = {
        name: {part: judge(rows) for part, rows in all_rows(make).items()}
        for name, make in ways(_teacher(), TextEncoder(folder)).items()
    }
    results["chance"] = {part: chance(rows) for part, rows in all_rows(CommonWords).items()}
    print(section(BENCHMARK.save(results)))


def chance(rows: Sequence[tuple[CommonWords, Row]]) -> float:
    """Share that is right where any tag is as good as another."""
    return float(np.mean([len(row[2]) / len(matcher.tags) for matcher, row in rows if row[2]]))


def section(figures: dict[str, Any]) -> str:
    every = figures["ways"]
    parts = [part for part in next(iter(every.values())) if part != "open, tuning"]
    rows = [[name, *(found[part]["right"] for part in parts)] for name, found in every.items()]
    rows.append(["chance", *(figures["chance"][part] for part in parts)])
    columns = ("right", "top3", "refused", "p50_ms", "p99_ms")
    whole = [[name, *(found["open"][column] for column in columns)] for name, found in every.items()]
    ours = every["facts and encoder"]
    lost = ours["open"]["lost_by_kind"]
    kinds = [
        [kind, share, lost[kind], max(0.0, round(1.0 - share - lost[kind], 6))]
        for kind, share in ours["open"]["by_kind"].items()
    ]
    return f"""## Meaning of tags

`{BENCHMARK.command}`: phrases of benchmarks/choice/phrases, {figures["things"]} things in
liveseq/words/facts. Open: {ours["open"]["phrases"]} phrases over six sets of twelve folders that nobody taught and to
which nothing was fitted. Right: the best tag is one that a musician would take, and the phrase was not refused.
Refused: the share of what should be that is. Without the tags' own lines: folders of which the facts know nothing. The
encoder has {figures["megabytes"]:.1f} MB, the facts have {figures["facts_megabytes"]:.1f}.
Of 60 phrases with qualities ("not so bright piano"), {figures["qualities"]:.0%} are read right.

{table(["open", "right", "top 3", "refused", "p50 ms", "p99 ms"], whole)}

The share right: on these, on the demo's own tags (which the encoder was taught), and on 80 common tags in other
languages.

{table(["", *parts], rows)}

Facts and encoder, open, by kind of phrase:

{table(["kind", "right", "refused", "another tag"], kinds)}"""


BENCHMARK = Benchmark(file=__file__, minutes=2, sections=(Section(text=section, place=100),))

if __name__ == "__main__":
    main()
