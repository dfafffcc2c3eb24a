"""The sizes of the smallest musika: what its tests share, of streams and of training."""

from liveseq.dsp.mel import MelFrontEnd
from liveseq.train.sound.musika.coordinates import Windows

RATE = 48_000
WINDOWS = Windows(length=16, overlap=4, per_anchor=3)
DEPTH = 4
TAG = 8
FRONT_END = MelFrontEnd(sample_rate=RATE, n_fft=2048, hop_length=512, n_mels=6, f_max=24_000.0)
