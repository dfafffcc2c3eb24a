"""Plans of a desk on a stage, and messages that it refuses."""

import json

import numpy as np

from liveseq.corpus.units import FEATURE_NAMES
from liveseq.dsp.descriptors import DESCRIPTOR_NAMES, N_MFCC
from liveseq.osc.packets import PREFIX
from tests.support.desk_stage import SAMPLE_RATE

DONE, FAIL = f"{PREFIX}/done", f"{PREFIX}/fail"
LOUDNESS = FEATURE_NAMES.index("loudness_db_mean")


def plan(stage, *, seconds=1.0):
    now = stage.act_at(0)
    return stage.performance.plan(now=now, until=now + int(seconds * SAMPLE_RATE))


def units_of(choices, number=1):
    return [choice.unit for choice in choices if choice.layer == number]


def descriptors(features, *, n_frames=16):
    """Frames of 43 columns that are pooled to these features (means only), as the argument of prime."""
    row = np.zeros(len(DESCRIPTOR_NAMES))
    row[:N_MFCC] = features[:N_MFCC]
    loudness, centroid, flatness, f0 = features[N_MFCC : N_MFCC + 4].astype(float)
    row[-4:] = loudness, 2.0**centroid, 10.0 ** (flatness / 10.0), 2.0**f0
    return np.tile(row, (n_frames, 1)).astype(">f4").tobytes()


def refused(stage, address, *arguments):
    """Code and message of the answer, and whether anything has changed."""
    before = json.dumps(stage.performance.snapshot())
    [(fail, about, code, message)] = stage.ask(address, *arguments)
    assert (fail, about) == (FAIL, address)
    assert json.dumps(stage.performance.snapshot()) == before
    stage.pass_time(1.0)  # answers are limited per second
    return code, message
