"""All figures of one set of generated takes against real ones, beside the same figures of other real ones."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.spatial.distance import cdist

from liveseq.dsp.mel import MelFrontEnd
from liveseq.train.sound.judge.classifier import Classifier, teach
from liveseq.train.sound.judge.copies import copies, likeness
from liveseq.train.sound.judge.distances import density_coverage, different_bins, frechet, mmd, mmd_parts
from liveseq.train.sound.judge.faults import hit_db, summary
from liveseq.train.sound.judge.gate import EarGate
from liveseq.train.sound.judge.hearing import Heard
from liveseq.train.sound.judge.windows import log_mels, random_net, statistics, windows_of

FLOOR_RATIO = 3.0
"""A generator is shipped within so many times the distance of real sound to other real sound."""
LABEL_SHARE = 0.7
"""Share of the tag accuracy of real sound that it must have, too."""
HIT_DB = 3.0
"""A take has a hit where its loudest 20 ms stand so much further out of it than those of a recording do."""
SPACES = ("statistics", "classifier", "random")

Takes = Mapping[str, np.ndarray]
"""Tag -> float32 (n_samples, n_channels)."""


@dataclass
class _Measured:
    """One set of takes in every space."""

    labels: np.ndarray
    """Index of the tag of each second, int64 (n,)."""
    mels: np.ndarray
    """float32 (n, n_mels, n_frames)."""
    raw: np.ndarray
    """`statistics` in their own units, (n, n_statistics)."""
    points: dict[str, np.ndarray] = field(default_factory=dict)
    """Space -> (n, n_dimensions)."""


class Judge:
    """Judge of generated takes, who knows the real ones: those of the training, and those held out of it."""

    def __init__(self, train: Takes, held_out: Takes, *, front_end: MelFrontEnd, gate: EarGate | None = None) -> None:
        """train, held_out: of the same tags, and about the same amount of each. gate: for verdicts by ear, too."""
        self.tags = tuple(train)
        self._gate = gate
        self._front_end = front_end
        self._hits_db = self._loudest(held_out)
        seen, other = self._look(train), self._look(held_out)
        self._mean, self._deviation = seen.raw.mean(axis=0), seen.raw.std(axis=0) + 1e-6
        self._random = random_net(seen.mels)
        self.classifier: Classifier = teach(seen.mels, seen.labels, tags=self.tags)
        self._train, self._real = self._embed(seen), self._embed(other)
        self.floor = self._distances(other, seen)
        """Distances of the training's recordings to the others: no generator can be asked to beat them."""
        self._floor_by_tag = self._distances_by_tag(other, seen)
        self.accuracy = self.classifier.accuracy(other.mels, other.labels)
        """Accuracy of the classifier on real seconds that are new to it."""

    def judge(self, takes: Takes, *, rates_hz: tuple[float, ...] = ()) -> dict[str, Any]:
        """Every figure of generated takes. rates_hz: at which a model works, for pulsing."""
        seen = self._embed(self._look(takes))
        found: dict[str, Any] = {"distance": self._distances(self._real, seen)}
        found["ratio"] = {space: self._ratio(found["distance"], space) for space in SPACES}
        found["ratio_by_tag"] = self._ratios_by_tag(seen)
        points = {name: each.points["statistics"] for name, each in (("train", self._train), ("real", self._real))}
        generated = seen.points["statistics"]
        found["density"], found["coverage"] = density_coverage(points["real"], generated)
        found["different_bins"] = different_bins(points["real"], generated)
        found["accuracy"] = self.classifier.accuracy(seen.mels, seen.labels)
        found["accuracy_by_tag"] = self._by_tag(seen)
        found |= copies(points["train"], points["real"], generated)
        some = np.linspace(0, len(generated) - 1, min(40, len(generated))).astype(int)
        found["likeness"] = float(
            np.median(likeness(self._train.mels, seen.mels[some], cdist(generated[some], points["train"])))
        )
        found["hits_by_tag"] = {tag: each - self._hits_db[tag] for tag, each in self._loudest(takes).items()}
        found["hits"] = float(np.mean([each > HIT_DB for each in found["hits_by_tag"].values()]))
        return found | summary(dict(takes), sample_rate=self._front_end.sample_rate, rates_hz=rates_hz or (5.86,))

    def passes(self, found: Mapping[str, Any], heard: Mapping[str, Heard] | None = None) -> list[str]:
        """Reasons why a generator with these figures is no default voice; none where it is.

        heard: by tag what the ears hear in its takes; None: they are not asked.
        """
        why = [f"{s} {r:.2f} times the floor" for s, r in found["ratio"].items() if r > FLOOR_RATIO]
        if found["accuracy"] < LABEL_SHARE * self.accuracy:
            why.append(f"tag accuracy {found['accuracy']:.2f}, real {self.accuracy:.2f}")
        why += [f"{tag}: {', '.join(wrong)}" for tag, wrong in found["wrong"].items()]
        return why if self._gate is None or heard is None else why + self._gate.passes(heard)

    def weak(self, found: Mapping[str, Any], heard: Mapping[str, Heard] | None = None) -> dict[str, list[str]]:
        """Tags that would not pass alone, with reasons; a few seconds of one tag say less than all of them together."""
        by_ear = {} if self._gate is None or heard is None else self._gate.misses(heard)
        why: dict[str, list[str]] = {}
        for tag in self.tags:
            ratios = {space: found["ratio_by_tag"][space][tag] for space in SPACES}
            wrong = [f"{space} {ratio:.1f}" for space, ratio in ratios.items() if ratio > FLOOR_RATIO]
            if found["accuracy_by_tag"][tag] < LABEL_SHARE * self.accuracy:
                wrong.append(f"heard as itself {found['accuracy_by_tag'][tag]:.2f}")
            wrong += [" ".join(each) for each in by_ear.get(tag, {}).items()]
            if wrong := wrong + found["wrong"].get(tag, []):
                why[tag] = wrong
        return why

    def _loudest(self, takes: Takes) -> dict[str, float]:
        return {tag: hit_db(take, sample_rate=self._front_end.sample_rate) for tag, take in takes.items()}

    def _ratio(self, distance: dict[str, dict[str, float]], space: str) -> float:
        return distance[space]["mmd"] / max(self.floor[space]["mmd"], 1e-9)

    def _look(self, takes: Takes) -> _Measured:
        rate = self._front_end.sample_rate
        cut = {tag: windows_of(take, sample_rate=rate) for tag, take in takes.items()}
        labels = np.concatenate([np.full(len(each), self.tags.index(tag)) for tag, each in cut.items()])
        windows = np.concatenate(list(cut.values()))
        return _Measured(labels, log_mels(windows, front_end=self._front_end), statistics(windows, sample_rate=rate))

    def _embed(self, seen: _Measured) -> _Measured:
        seen.points["statistics"] = (seen.raw - self._mean) / self._deviation
        seen.points["classifier"] = self.classifier.embed(seen.mels)
        seen.points["random"] = self._random.embed(seen.mels)
        return seen

    def _distances(self, real: _Measured, generated: _Measured) -> dict[str, dict[str, float]]:
        ways: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {"mmd": mmd, "frechet": frechet}
        return {s: {way: f(real.points[s], generated.points[s]) for way, f in ways.items()} for s in SPACES}

    def _distances_by_tag(self, real: _Measured, generated: _Measured) -> dict[str, dict[str, float]]:
        """Share of each tag in the MMD, times the number of tags: as much as if all were as that one."""
        found: dict[str, dict[str, float]] = {}
        for space in SPACES:
            parts = mmd_parts(real.points[space], generated.points[space])
            sums = [
                sum(float(part[seen.labels == i].sum()) for part, seen in zip(parts, (real, generated), strict=True))
                for i in range(len(self.tags))
            ]
            found[space] = {tag: len(self.tags) * each for tag, each in zip(self.tags, sums, strict=True)}
        return found

    def _ratios_by_tag(self, generated: _Measured) -> dict[str, dict[str, float]]:
        """Distances by the floor, the tag's own floor where that is the higher one."""
        distances = self._distances_by_tag(self._real, generated)
        return {
            space: {
                tag: each / max(self.floor[space]["mmd"], self._floor_by_tag[space][tag], 1e-9)
                for tag, each in of_tags.items()
            }
            for space, of_tags in distances.items()
        }

    def _by_tag(self, seen: _Measured) -> dict[str, float]:
        right = self.classifier.name(seen.mels) == seen.labels
        return {tag: float(right[seen.labels == i].mean()) for i, tag in enumerate(self.tags)}
