"""Verdict of the two published ears on a generator that was trained just now, beside the recordings it learned from."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

from liveseq.errors import LiveseqError
from liveseq.runtime.generator import States
from liveseq.runtime.latent import START, Place
from liveseq.train.sound.judge.gate import KINDS, NOTHING, EarGate
from liveseq.train.sound.judge.hearing import Ears
from liveseq.train.sound.judge.takes import generated_takes, real_takes
from liveseq.train.sound.material.library import Library
from liveseq.train.sound.saved import load_recipe, load_vocoder, parts_of
from liveseq.train.sound.streaming import StepGraph
from liveseq.train.tags import saved_table

SECONDS = 12.0
"""Recordings of each tag, at most."""
SHORTEST = 8.0
"""Seconds of recordings of a tag that say something about notes."""
MOST_TAGS = 8
"""Tags that are heard, those with the most recordings: torch takes about half of what is drawn."""
SEED = 11


class TorchGenerator:
    """A step graph as a server's generator, before it is exported. See `runtime.generator.Generator`."""

    def __init__(self, graph: StepGraph, *, tags: Sequence[str]) -> None:
        self.sample_rate, self.samples_per_step, self.tags = graph.sample_rate, graph.samples_per_step, tuple(tags)
        self.tag_size = graph.input_shapes().get("tag", (0,))[0]
        self._graph = graph
        self._shapes, self._starts = graph.state_shapes(), graph.state_starts()

    def start(self, seed: int) -> States:
        """States of a new stream."""
        rng = np.random.default_rng((seed, 0))
        return tuple(
            rng.standard_normal(shape, dtype=np.float32)
            if self._starts[name] == "normal"
            else np.zeros(shape, dtype=np.float32)
            for name, shape in self._shapes.items()
        )

    @torch.no_grad()
    def step(
        self,
        number: int,
        *,
        seed: int,
        tag: np.ndarray | None,
        states: States,
        tempo: float = 0.0,
        place: Place = START,
    ) -> tuple[np.ndarray, States]:
        """Sound of one step, float32 (samples_per_step, 2), and the states after it."""
        rng = np.random.default_rng((seed, 1 + number))
        shapes = self._graph.input_shapes()
        given = {"tag": tag, "tempo": np.array([tempo], dtype=np.float32)}
        if "latent" in shapes:
            given |= place.inputs(shapes["latent"][0])
        inputs = [
            given[name] if name in given else rng.standard_normal(shape, dtype=np.float32)
            for name, shape in shapes.items()
        ]
        audio, *after = self._graph(*(torch.from_numpy(np.asarray(each)) for each in (*inputs, *states)))
        stereo = np.broadcast_to(audio.numpy().T, (self.samples_per_step, 2)).clip(-1.0, 1.0)
        return stereo, tuple(state.numpy() for state in after)


def by_ear(folder: Path, library: Library) -> str:
    """Sentences on the generator in this folder, one a line: tags that pass the gate, and what the others miss."""
    rate = library.sample_rate
    real = real_takes(library.train, seconds=SECONDS, sample_rate=rate)
    long = sorted((tag for tag in real if len(real[tag]) >= SHORTEST * rate), key=lambda tag: -_seconds(library, tag))
    ears, heard = Ears(), long[:MOST_TAGS]
    gate = EarGate(ears.hear_all({tag: real[tag] for tag in heard}, sample_rate=rate), missing=ears.missing)
    lengths = {tag: len(real[tag]) for tag in heard if tag in (*gate.tonal, *gate.rhythmic)}
    if not lengths:
        where = f"in {', '.join(heard)}" if heard else f"in {SHORTEST:g} s of any tag"
        return f"by ear: {NOTHING}, neither clear notes nor a steady beat {where}"
    try:
        drawn = ears.hear_all(_takes(folder, lengths), sample_rate=rate)
    except LiveseqError as error:
        return f"by ear: not heard: {error}"
    lines = [", ".join(f"{n} of {of} {kind} tags pass" for kind, (n, of) in gate.counts(drawn).items() if of)]
    ratios, missed = gate.ratios(drawn), gate.misses(drawn)
    for tag in lengths:
        clear, wrong = ratios[tag].clear, missed.get(tag, {})
        notes = [] if clear is None else [f"{clear:.2f} of the recordings' clear notes"]
        misses = [f"misses {kind} ({wrong[kind]})" for kind in KINDS if kind in wrong]
        lines.append(f"{tag}: {', '.join(notes + (misses or ['misses nothing']))}")
    return "\n".join(f"by ear: {line}" for line in lines)


def _takes(folder: Path, lengths: Mapping[str, int]) -> dict[str, np.ndarray]:
    """Takes of so many samples by tag, float32 (n_samples, 2). Raises LiveseqError where the model cannot stream."""
    recipe, about = load_recipe(folder)
    graph = parts_of(about, folder).step_graph(recipe, load_vocoder).eval()
    generator, table = TorchGenerator(graph, tags=about["tags"]), saved_table(folder)
    own, nothing = table.by_name() if table is not None else {}, np.zeros(generator.tag_size, dtype=np.float32)
    vectors = {tag: own.get(tag, nothing) for tag in lengths}
    return generated_takes(generator, vectors, lengths, seed=SEED, late=graph.look_ahead)


def _seconds(library: Library, tag: str) -> float:
    """Length of a tag's recordings."""
    return sum(len(recording.audio) for recording in library.train if recording.tag == tag) / library.sample_rate
