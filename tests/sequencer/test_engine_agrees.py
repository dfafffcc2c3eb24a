"""What is planned is what the engine plays: nothing late, nothing filled in, no seam that was not meant."""

import numpy as np
import pytest

from liveseq.engine.layer import Counters, Layer
from liveseq.engine.ramps import Scratch
from liveseq.engine.voices import Voice
from liveseq.sequencer.settings import Mode
from liveseq.sequencer.timeline import PlayUnit
from tests.support.small_corpus import SECOND, column, make, play, table, with_beats

BLOCK = 4096
SOME_SECONDS = 12


def render(events, *, n_samples: int, monkeypatch) -> tuple[Counters, int]:
    """Through a layer of the engine: what went otherwise than planned, and how many voices were begun."""
    counters = Counters()
    layer = Layer(sample_rate=SECOND, counters=counters)
    begun = []
    real = Voice.__init__

    def begin(self, *args, **kwargs):
        begun.append(1)
        real(self, *args, **kwargs)

    monkeypatch.setattr(Voice, "__init__", begin)
    audio = np.zeros((2_000_000, 2), dtype=np.float32)
    scratch = Scratch(max_block=BLOCK)
    out = np.zeros((BLOCK, 2), dtype=np.float32)
    waiting = sorted(events, key=lambda event: event.start)
    end = min(n_samples, waiting[-1].start)
    for clock in range(0, end - BLOCK, BLOCK):
        while waiting and waiting[0].start < clock + SECOND // 2:  # as far ahead as a conductor sends them
            layer.push(waiting.pop(0), audio)
        layer.add_to(out, clock, scratch=scratch)
    return counters, len(begun)


@pytest.mark.parametrize("mode", [Mode.CONTINUOUS, Mode.BEAT, Mode.CLOUD])
@pytest.mark.parametrize(
    "settings", [{}, {"pitch_match": 9.0, "loudness_match": 6.0}, {"trigger": 0.4}, {"reverse": 0.3}]
)
def test_nothing_is_late_and_nothing_filled_in(rng, monkeypatch, mode, settings):
    units = with_beats(table([90, 60], tags=["a", "a"], rng=rng), period=21_000.0, origin=500.0)
    units.features[:, column("log_f0_mean")] = np.log2(300.0) + rng.uniform(-0.5, 0.5, size=units.n_units)
    sequencer = make(units)
    for name, value in (settings | {"mode": mode, "stickiness": 0.95}).items():
        setattr(sequencer.layer(1).settings, name, value)
    events, _ = play(sequencer, {"a": 1.0}, seconds=SOME_SECONDS)
    counters, n_voices = render(events, n_samples=SOME_SECONDS * SECOND, monkeypatch=monkeypatch)
    assert counters == Counters()
    end = min(SOME_SECONDS * SECOND, events[-1].start) - BLOCK
    seams = [e for e in events if isinstance(e, PlayUnit) and e.fade > 0 and e.start < end]
    assert n_voices <= len(seams)  # what has no fade goes on in the voice that sounds
