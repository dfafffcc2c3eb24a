"""A classifier of tags that has heard the recordings of a corpus and is asked about each second of a take."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from liveseq.corpus.store import Corpus
from liveseq.dsp.descriptors import HOP_LENGTH, base_descriptors, describe


def windows(frames: np.ndarray, rate: int) -> np.ndarray:
    """Mean and spread of each second, (n_seconds, 34), of descriptors (n_frames, 43)."""
    per_second = rate // HOP_LENGTH
    rows = base_descriptors(frames[: len(frames) // per_second * per_second])
    blocks = rows.reshape(-1, per_second, rows.shape[1])
    return np.concatenate([blocks.mean(axis=1), blocks.std(axis=1)], axis=1)


def classifier(corpus: Path) -> tuple[int, float, Any]:
    """Number of tags, accuracy on recordings that it has not heard, and a classifier trained on all.

    Its tags have at least three recordings of a second or more: one to be tested on, and two to learn from.
    """
    with Corpus.open(corpus) as opened:
        sources = [source for source in opened.sources() if source.tags]
        heard = [(windows(np.asarray(opened.frames(one.id)), opened.sample_rate), one.tags[0]) for one in sources]
    n_recordings = Counter(tag for rows, tag in heard if len(rows))
    kept = sorted(((tag, rows) for rows, tag in heard if n_recordings[tag] >= 3 and len(rows)), key=lambda one: one[0])
    x = [rows for _, rows in kept]
    label = [np.full(len(rows), tag) for tag, rows in kept]
    fold = np.arange(len(kept)) % 3  # of each tag a third, for they are sorted by tag

    def fit(chosen: Sequence[int]) -> Any:
        model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=2000, class_weight="balanced"))
        return model.fit(np.concatenate([x[i] for i in chosen]), np.concatenate([label[i] for i in chosen]))

    right = []
    for k in range(3):
        model = fit(np.flatnonzero(fold != k))
        for i in np.flatnonzero(fold == k):
            right += list(model.predict(x[i]) == label[i])
    everything = fit(np.arange(len(kept)))
    return len(everything.classes_), float(np.mean(right)), everything


def follows(y: np.ndarray, marks: Sequence[int], tags: Sequence[str], model: Any, rate: int) -> float:
    """Share of seconds given to the tag that was sent."""
    right = []
    for begin, end, tag in zip(marks[:-1], marks[1:], tags, strict=True):
        part = y[begin + rate : end].mean(axis=1)
        right += list(model.predict(windows(describe(part, sample_rate=rate), rate)) == tag)
    return float(np.mean(right))
