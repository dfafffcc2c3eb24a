"""The output stage of a generator: no offset and no peak that would be cut, in steps as in one piece."""

import torch

from liveseq.train.sound.output import output_stage, soft_clipped, without_offset
from liveseq.train.sound.streaming import Tape

STEP = 8192


def test_peaks_are_rounded_and_what_is_quiet_stays_as_it_is():
    y = torch.tensor([-3.0, -0.5, 0.0, 0.8, 0.9])
    out = soft_clipped(y)
    assert out.abs().max() <= 0.98
    torch.testing.assert_close(out[1:4], y[1:4])
    assert 0.8 < float(out[4]) < 0.9


def test_an_offset_goes_away_and_a_bass_stays():
    time = torch.arange(60 * STEP) / 48_000
    bass = 0.5 * torch.sin(2 * torch.pi * 35.0 * time)
    out = without_offset(torch.stack((bass + 0.1, bass)), STEP, None)
    assert float(out[0, -STEP * 20 :].mean().abs()) < 0.01
    torch.testing.assert_close(out[1], bass, atol=2e-3, rtol=0)
    assert float(out.diff().abs().max()) < 1.1 * float(bass.diff().abs().max()), "it steps"


def test_in_steps_as_in_one_piece():
    y = torch.randn(2, 6 * STEP) + 0.3
    whole = output_stage(y, STEP, None)
    memory, steps = None, []
    for step in y.split(STEP, dim=-1):
        tape = Tape(memory)
        steps.append(output_stage(step, STEP, tape))
        memory = tape.left()
    torch.testing.assert_close(torch.cat(steps, dim=-1), whole, atol=1e-6, rtol=0)
