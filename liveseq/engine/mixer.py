"""The mixer: from events to samples, by layers, master gain and guard.

Pure numpy, deterministic, no I/O, no lock: the engine process calls it from the audio thread, and an offline render
calls it as fast as it can. The same events pushed at the same clock give the same samples for every block size, bit for
bit.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from liveseq.dsp.interpolation import prepare
from liveseq.engine.events import (
    HandOver,
    LayerGain,
    LayerMute,
    LayerPan,
    MasterGain,
    MasterMute,
    Panic,
    Play,
    Quit,
    Record,
    ShardAdded,
    Stop,
    reads_inside,
)
from liveseq.engine.guard import LOUDEST, DcBlock, Limiter
from liveseq.engine.layer import MIN_SOURCE, RAMP_SECONDS, Counters, Layer
from liveseq.engine.ramps import Ramp, Scratch
from liveseq.sequencer.timeline import CutLayer, Grain, PlayUnit, StopLayer

PANIC_SECONDS = 0.008
"""Seconds of the fade of a panic: with the limiter's look-ahead it stays within 10 ms."""
QUIT_SECONDS = 0.05
HAND_OVER_SECONDS = 0.15
"""Seconds in which an engine fades out whose successor opens a device and is told everything meanwhile."""
METER_SECONDS = 0.3
"""Time constant of the meters: peaks fall, and powers are averaged, with it."""


class Transport(IntEnum):
    """Whether events are played."""

    STOPPED = 0
    PLAYING = 1
    STOPPING = 2


@dataclass(slots=True)
class LayerControls:
    """Controls of one layer, as a performer has set them."""

    gain: float = 1.0
    """Linear."""
    pan: float = 0.0
    mute: bool = False

    def channel_gains(self) -> np.ndarray:
        """Left and right, float64 (2,): constant power, 1 and 1 at the centre."""
        angle = (self.pan + 1.0) * np.pi / 4
        level = 0.0 if self.mute else self.gain * np.sqrt(2.0)
        gains: np.ndarray = level * np.array([np.cos(angle), np.sin(angle)])
        return gains


class Mixer:
    """Renders stereo blocks. Layers are numbered from 1."""

    latency = Limiter.latency
    """Samples by which the output lies behind the clock, for the limiter's look-ahead."""

    def __init__(
        self,
        shards: Mapping[int, np.ndarray],
        *,
        sample_rate: int,
        n_layers: int,
        clock: int = 0,
        max_block: int = 4096,
    ) -> None:
        """shards: number -> float32 (n_samples, 2), corpus audio; it is read, never copied."""
        prepare()
        self.clock = clock
        """Samples rendered so far: the next one to render."""
        self.counters = Counters()
        self.layers = [Layer(sample_rate=sample_rate, counters=self.counters) for _ in range(n_layers)]
        self.transport = Transport.STOPPED
        self.peaks = np.zeros(2, dtype=np.float32)
        """Output meters per channel, linear; `powers` are mean squares."""
        self.powers = np.zeros(2, dtype=np.float32)
        self.layer_peaks = [0.0] * n_layers
        self.layer_powers = [0.0] * n_layers
        self._shards = dict(shards)
        self._rate = sample_rate
        self._controls = [LayerControls() for _ in range(n_layers)]
        self._master = Ramp(1.0)
        self._mute = Ramp(1.0)
        self._transport = Ramp(0.0)
        self._exit = Ramp(1.0)
        self._scratch = Scratch(max_block=max_block)
        self._dc_block = DcBlock(sample_rate=sample_rate)
        self._limiter = Limiter(sample_rate=sample_rate, max_block=max_block)
        self._actions: dict[type, Callable[..., None]] = {
            PlayUnit: self._sound,
            Grain: self._sound,
            StopLayer: self._stop_layer,
            CutLayer: lambda record: self._layer(record.layer).cut(record.start),
            MasterGain: self._master_gain,
            MasterMute: lambda record: self._move(self._mute, float(not record.mute)),
            LayerGain: lambda record: self._control(record.layer, gain=_linear(record.gain_db)),
            LayerPan: lambda record: self._control(record.layer, pan=record.pan),
            LayerMute: lambda record: self._control(record.layer, mute=record.mute),
            Play: self._play,
            Stop: lambda record: self._stop(record.seconds),
            Panic: self._panic,
            Quit: lambda _: self._move(self._exit, 0.0, seconds=QUIT_SECONDS),
            HandOver: lambda _: self._move(self._exit, 0.0, seconds=HAND_OVER_SECONDS),
            ShardAdded: lambda _: None,  # mapping a file is the process's business: it calls set_shard
        }

    @property
    def finished(self) -> bool:
        """Whether a Quit or HandOver has faded out and reached the output."""
        return self.quitting and self.clock >= self._exit.end + self.latency

    @property
    def quitting(self) -> bool:
        """Whether a Quit or HandOver has come."""
        return self._exit.target == 0.0

    @property
    def n_bad_blocks(self) -> int:
        """Blocks in which a NaN or an Inf was silenced."""
        return self._dc_block.n_bad

    def join(self, clock: int) -> None:
        """Go on at this sample, or where it is if that is later: an output has begun, and it fades in."""
        self.clock = max(self.clock, clock)
        if not self.quitting:
            self._exit = Ramp(0.0)
            self._move(self._exit, 1.0)

    def reading(self) -> list[tuple[int, int, bool]]:
        """Shard, position and whether backwards, of all that sounds. Any thread; a block old at most."""
        return [place for layer in self.layers for place in layer.reading]

    def set_shard(self, number: int, audio: np.ndarray) -> None:
        """Use this audio for a shard, float32 (n_samples, 2). May be called from another thread: one assignment."""
        self._shards[number] = audio

    def push(self, record: Record) -> None:
        """Take an event or a control; a control acts from the next sample on. Bad ones are counted, never raised."""
        self._settle()
        if isinstance(record, PlayUnit | Grain | StopLayer | CutLayer | LayerGain | LayerPan | LayerMute) and not (
            1 <= record.layer <= len(self.layers)
        ):
            self.counters.dropped += 1
            return
        self._actions[type(record)](record)

    def render(self, n_samples: int) -> np.ndarray:
        """The next samples, float32 (n_samples, 2)."""
        out = np.empty((n_samples, 2), dtype=np.float32)
        self.render_into(out)
        return out

    def render_into(self, out: np.ndarray) -> None:
        """Fill out, float32 (n_samples, 2), C-contiguous."""
        with np.errstate(all="ignore"):  # the guard deals with whatever a corpus holds
            for begin in range(0, len(out), self._scratch.max_block):
                self._render_block(out[begin : begin + self._scratch.max_block])

    def _render_block(self, out: np.ndarray) -> None:
        self._settle()
        n, clock = len(out), self.clock
        decay = float(np.exp(-n / (METER_SECONDS * self._rate)))
        out[:] = 0.0
        for number, layer in enumerate(self.layers):
            self.layer_peaks[number] *= decay
            self.layer_powers[number] *= decay
            if layer.sounding or layer.n_queued:
                self._add_layer(number, out, decay)
        self._dc_block.process(out)
        for ramp in (self._master, self._mute, self._transport, self._exit):
            gain = ramp.block(clock, n, scratch=self._scratch)
            if isinstance(gain, np.ndarray):
                out *= gain.astype(np.float32)
            elif gain != 1.0:
                out *= gain
        self._limiter.process(out)
        self.clock = clock + n
        peaks = np.abs(out, out=self._scratch.layer[:n]).max(axis=0)
        np.maximum(peaks, self.peaks * decay, out=self.peaks)
        powers = np.einsum("nc,nc->c", out, out) * ((1.0 - decay) / n)
        self.powers = self.powers * decay + powers

    def _add_layer(self, number: int, out: np.ndarray, decay: float) -> None:
        layer = self.layers[number]
        n = len(out)
        mix = self._scratch.layer[:n]
        mix[:] = 0.0
        layer.add_to(mix, self.clock, scratch=self._scratch)
        gains = layer.gain.block(self.clock, n, scratch=self._scratch)
        assert isinstance(gains, np.ndarray)
        mix *= gains.astype(np.float32)
        # A meter that has heard what is no sound comes back down: NaN counts as nothing, infinity as the loudest.
        peak = min(max(float(mix.max()), -float(mix.min())), LOUDEST)
        self.layer_peaks[number] = max(self.layer_peaks[number], peak)
        flat = mix.reshape(-1)
        power = float(np.dot(flat, flat)) / len(flat)
        self.layer_powers[number] += 0.0 if math.isnan(power) else min(power, LOUDEST**2) * (1.0 - decay)
        out += mix

    def _layer(self, number: int) -> Layer:
        return self.layers[number - 1]

    def _settle(self) -> None:
        """Forget everything once a stop has faded out."""
        if self.transport is Transport.STOPPING and self.clock >= self._transport.end:
            self.transport = Transport.STOPPED
            for layer in self.layers:
                layer.clear()

    def _move(self, ramp: Ramp, target: float, *, seconds: float = RAMP_SECONDS) -> None:
        ramp.move(target, clock=self.clock, length=int(seconds * self._rate))

    def _sound(self, event: PlayUnit | Grain) -> None:
        audio = self._shards.get(event.shard)
        fits = audio is not None and event.source_end <= len(audio) and reads_inside(event)
        if isinstance(event, PlayUnit):
            fits &= event.source_end - event.source_start >= MIN_SOURCE * max(1.0, event.ratio)
        if not fits or self.transport is not Transport.PLAYING:
            self.counters.dropped += 1
            return
        self.counters.late += 0 < event.start < self.clock
        self._layer(event.layer).push(event, audio)

    def _stop_layer(self, event: StopLayer) -> None:
        self._layer(event.layer).push(event, None)

    def _master_gain(self, record: MasterGain) -> None:
        self._move(self._master, _linear(record.gain_db), seconds=max(RAMP_SECONDS, record.seconds))

    def _control(self, number: int, **change: float) -> None:
        controls = self._controls[number - 1]
        for name, value in change.items():
            setattr(controls, name, value)
        layer = self._layer(number)
        layer.gain.move(controls.channel_gains(), clock=self.clock, length=int(RAMP_SECONDS * self._rate))

    def _play(self, record: Play) -> None:
        self.transport = Transport.PLAYING
        self._move(self._transport, 1.0, seconds=record.seconds)

    def _stop(self, seconds: float) -> None:
        if self.transport is not Transport.STOPPED:
            self.transport = Transport.STOPPING
            self._move(self._transport, 0.0, seconds=max(PANIC_SECONDS, seconds))

    def _panic(self, _: Panic) -> None:
        for layer in self.layers:
            layer.stop(self.clock, fade=int(PANIC_SECONDS * self._rate))
        self._stop(PANIC_SECONDS)


def _linear(gain_db: float) -> float:
    return float(10.0 ** (gain_db / 20.0))
