"""Crops of mel frames with a clock: the same for the same number, at other tempi, and right."""

import dataclasses

import numpy as np
import pytest
import torch

from liveseq.errors import TrainingError
from liveseq.train.sound.frames.crops import MelCrops, going_round


def test_crops_are_a_function_of_seed_number_and_rank(tracks):
    crops = MelCrops(tracks, n_steps=8, per_step=16, batch_size=4, seed=1)
    mel, tags, clock = crops.batch(3)
    assert (mel.shape, tags.shape, clock.shape) == ((4, 128, 128), (4, 8), (4, 8, 2))
    assert torch.equal(mel, MelCrops(tracks, n_steps=8, per_step=16, batch_size=4, seed=1).batch(3)[0])
    assert not torch.equal(mel, crops.batch(3, rank=1)[0])
    assert float(mel.min()) >= -5.0


def test_crops_of_what_has_a_beat_come_at_other_tempi_with_a_clock_that_is_right(tracks):
    techno = dataclasses.replace(tracks[1], mel=np.repeat(tracks[1].position[:, None], 128, axis=1))  # tells its place
    mel, _, clock = MelCrops([techno], n_steps=8, per_step=16, batch_size=64, seed=1).batch(0)
    position, rates = clock[..., 0], torch.diff(clock[..., 0], dim=1)
    whole = (rates - rates.mean(dim=1, keepdim=True)).abs().amax(dim=1) < 0.02  # neither gone round nor spliced
    told = mel[whole, 0, ::16]
    gains = (told - position[whole]).mean(dim=1, keepdim=True)
    torch.testing.assert_close(told, position[whole] + gains, atol=1e-3, rtol=0)
    mean = rates[whole].mean(dim=1) * 3  # 1 / 3 of a beat in a step as it was
    assert 0.78 < float(mean.min()) < 0.87
    assert 1.15 < float(mean.max()) < 1.28
    assert 0.3 < float(((mean - 1.0).abs() < 1e-3).float().mean()) < 0.7
    plain = MelCrops([techno], n_steps=8, per_step=16, batch_size=64, seed=1, augment=False).batch(0)[2]
    rates = torch.diff(plain[..., 0], dim=1)
    assert float((rates[(rates > 0).all(dim=1)] * 3 - 1.0).abs().max()) < 1e-3


def test_crops_of_one_tag_are_never_spliced(tracks):
    cut = {"n_steps": 12, "per_step": 8, "batch_size": 64, "seed": 1}
    for spliced in (0.0, 1.0):
        tags = MelCrops(tracks, **cut, spliced=spliced).batch(0)[1]
        assert bool((tags != tags[:, :1]).any()) == (spliced > 0.0)


def test_what_ends_begins_again_on_the_next_bar_without_its_silence(tracks):
    techno = tracks[1]
    over = int(0.6 * len(techno.mel))
    mel = techno.mel.copy()
    mel[over:] = -4.0
    found = going_round(dataclasses.replace(techno, mel=mel))
    assert over <= len(found.mel) < len(mel)
    end = techno.position[len(found.mel)]
    assert end % 4 == pytest.approx(0.0, abs=0.05) or end % 4 == pytest.approx(4.0, abs=0.05), "a bar is whole"
    assert len(found.mel) - over <= 4 / np.diff(techno.position[:over]).mean() + 1
    assert len(found.beats) == np.count_nonzero(techno.beats < len(found.mel))
    quiet = dataclasses.replace(techno, mel=mel, beating=np.zeros_like(techno.beating))
    assert len(going_round(quiet).mel) == over, "what has no beat has no bars"
    crops, _, _ = MelCrops([quiet], n_steps=8, per_step=16, batch_size=64, seed=1, augment=False).batch(0)
    assert float(crops.max(dim=1).values.min()) > -4.0, "no crop has the silence"


def test_nothing_to_cut_is_refused():
    with pytest.raises(TrainingError, match="give more --data"):
        MelCrops((), n_steps=8, per_step=16, batch_size=4, seed=1)
