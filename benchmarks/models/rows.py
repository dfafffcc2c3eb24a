"""Recordings through the parts of models: Griffin-Lim from their front ends, and vocoders."""

from pathlib import Path

from benchmarks.paths import DEMO_CORPUS, RECORDINGS, ROOT
from liveseq.dsp.mel import MelFrontEnd
from liveseq.errors import LiveseqError
from liveseq.runtime.manifest import Manifest
from liveseq.runtime.vocoder import OnnxVocoder
from liveseq.train.sound.judge import anchors
from liveseq.train.sound.judge.verdict import Takes

DATA = [ROOT / DEMO_CORPUS, RECORDINGS]
SPLIT = 2
"""Seed by which training and these benchmarks hold recordings out; other trainings have heard some of them."""


def folders(names: list[str] | None) -> list[Path]:
    """Folders of models by name or path; all of models/ without."""
    if names:
        return [Path(name) if Path(name).is_dir() else ROOT / "models" / name for name in names]
    return sorted(path.parent for path in (ROOT / "models").glob("*/model.yaml"))


def front_ends(models: list[Path], *, rate: int) -> dict[str, MelFrontEnd]:
    """Front ends of the vocoders of this rate, each once, by words that tell them apart."""
    found = {}
    for folder in models:
        manifest = Manifest.load(folder)
        settings = manifest.settings.get("front_end")
        if manifest.role == "vocoder" and isinstance(settings, dict):
            front_end = MelFrontEnd.from_dict(settings, where=str(folder))
            if front_end.sample_rate == rate:
                found[f"{front_end.n_mels} bands at {front_end.n_fft}"] = front_end
    return found


def inverted(models: list[Path], real: Takes, *, rate: int) -> dict[str, Takes]:
    """Recordings by Griffin and Lim from each front end, in mono and in time, float32 (n_samples, 1)."""
    ends = front_ends(models, rate=rate)
    return {words: anchors.griffin_lim(real, front_end=front_end) for words, front_end in ends.items()}


def vocoded(models: list[Path], real: Takes, *, rate: int) -> dict[str, Takes]:
    """Recordings through each exported vocoder of this rate, in mono and in time, float32 (n_samples, 1)."""
    found: dict[str, Takes] = {}
    for folder in models:
        if Manifest.load(folder).role != "vocoder":
            continue
        try:
            vocoder = OnnxVocoder(folder)
        except LiveseqError as error:
            print(f"{folder.name}: {error}", flush=True)
            continue
        log_mel = vocoder.front_end.log_mel
        if vocoder.front_end.sample_rate == rate:
            found[folder.name] = {tag: vocoder.sound(log_mel(take.mean(axis=1)))[:, None] for tag, take in real.items()}
    return found
