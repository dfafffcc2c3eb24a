"""The pieces of the demo corpus: which there are, and how they are asked for.

Deterministic: the same seed and sample rate give the same samples. Each piece draws from a generator of its own, so
that one can be changed without changing the others.
"""

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from liveseq.demo import breaks, club, lines, strings, struck, sustained, textures
from liveseq.demo.harmony import A, C, D, E, F
from liveseq.errors import ConfigError

Recipe = Callable[..., np.ndarray]

RECIPES: dict[str, dict[str, Recipe]] = {
    "techno": {
        "acid": partial(club.techno, style="acid", tonic=A),
        "hypnotic": partial(club.techno, style="hypnotic", tonic=D),
        "industrial": partial(club.techno, style="industrial", tonic=E),
    },
    "house": {
        "deep": partial(club.house, keys="rhodes", tonic=D),
        "piano": partial(club.house, keys="piano", tonic=A),
        "organ": partial(club.house, keys="organ", tonic=C),
    },
    "breakbeat": {
        "jungle": partial(breaks.breakbeat, style="jungle", tonic=A),
        "two-step": partial(breaks.breakbeat, style="two-step", tonic=E),
        "funky": partial(breaks.breakbeat, style="funky", tonic=D),
    },
    "dub": {
        "one-drop": partial(breaks.dub, tonic=A, steppers=False, melodica=True),
        "steppers": partial(breaks.dub, tonic=D, steppers=True, melodica=False),
        "late": partial(breaks.dub, tonic=E, steppers=False, melodica=False),
    },
    "arpeggio": {
        "saw": partial(lines.arpeggio, wave_name="saw", order="up and down", tonic=A, around=33),
        "square": partial(lines.arpeggio, wave_name="square", order="leaping", tonic=D, around=32),
        "glass": partial(lines.arpeggio, wave_name="glass", order="thumbed", tonic=F, around=35),
    },
    "bass": {
        "reese": partial(lines.bass, style="reese", tonic=A),
        "wobble": partial(lines.bass, style="wobble", tonic=E),
        "punch": partial(lines.bass, style="punch", tonic=D),
    },
    "bells": {
        "peal": partial(struck.bells, style="peal", tonic=C),
        "music box": partial(struck.bells, style="music box", tonic=A),
        "chimes": partial(struck.bells, style="chimes", tonic=D),
    },
    "plucked": {
        "guitar": partial(strings.plucked, style="guitar", tonic=A),
        "harp": partial(strings.plucked, style="harp", tonic=C),
        "koto": partial(strings.plucked, style="koto", tonic=E),
    },
    "piano": {
        "nocturne": partial(struck.piano_piece, style="nocturne", tonic=A, felt=0.25),
        "chorale": partial(struck.piano_piece, style="chorale", tonic=F, felt=0.3),
        "minimal": partial(struck.piano_piece, style="minimal", tonic=D, felt=0.25),
    },
    "drone": {
        "dark": partial(sustained.drone, style="dark", tonic=A),
        "overtones": partial(sustained.drone, style="overtones", tonic=D),
        "grit": partial(sustained.drone, style="grit", tonic=E),
    },
    "pads": {
        "warm": partial(sustained.pads, style="warm", tonic=A),
        "glass": partial(sustained.pads, style="glass", tonic=F),
        "strings": partial(sustained.pads, style="strings", tonic=D),
    },
    "choir": {
        "full": partial(sustained.choir, style="full", tonic=A),
        "monks": partial(sustained.choir, style="monks", tonic=D),
        "altos": partial(sustained.choir, style="altos", tonic=C),
    },
    "texture": {
        "wind": partial(textures.texture, style="wind"),
        "rain": partial(textures.texture, style="rain"),
        "sea": partial(textures.texture, style="sea"),
        "grains": partial(textures.texture, style="grains"),
    },
    "glitch": {
        "dense": partial(textures.glitch, density=1.0, n_pulses=11),
        "sparse": partial(textures.glitch, density=0.2, n_pulses=5),
        "uneven": partial(textures.glitch, density=0.6, n_pulses=9),
    },
}
"""How each piece is made, by tag and name."""

TAGS: tuple[str, ...] = tuple(RECIPES)


@dataclass(frozen=True)
class Piece:
    """One finished piece of music."""

    tag: str
    name: str
    audio: np.ndarray
    """float32 (n_samples, 2), a loop with faded ends."""


def compose_piece(tag: str, name: str, *, sample_rate: int, seed: int) -> Piece:
    """One piece of RECIPES. sample_rate: Hz, 16 000 to 192 000. The same samples for the same seed, 0 or more.

    Raises ConfigError.
    """
    if not 16_000 <= sample_rate <= 192_000:
        raise ConfigError(
            f"sample_rate: expected 16000 to 192000 Hz, got {sample_rate}; the demo corpus is usually 48000"
        )
    rng = np.random.default_rng((seed, zlib.crc32(f"{tag}/{name}".encode())))
    return Piece(tag, name, RECIPES[tag][name](rng, sample_rate=sample_rate))
