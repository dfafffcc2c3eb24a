"""Settings of the training of a sound model."""

from dataclasses import dataclass

from liveseq.errors import TrainingError


@dataclass(frozen=True, kw_only=True)
class SoundTrainConfig:
    """Settings of the training of a sound model; a preset replaces some of the defaults."""

    steps: int = 20_000
    """Batches, at most."""
    minutes: float | None = None
    """Minutes, at most, those before a kill included; None: as long as the batches take."""
    save_every: int = 500
    """Batches between two scores, and between two states to resume from."""
    n_held_out: int = 4
    """Batches that are scored on."""
    ema: float = 0.999
    """Share of the old in the running average of the weights."""
    seed: int = 1
    accelerator: str = "auto"
    """cpu, cuda, mps or auto."""
    devices: int = 1
    """GPUs, or processes on the CPU."""
    precision: str | None = None
    """32, bf16-mixed or 16-mixed; None: 32, or what a family's stages make do with."""

    def __post_init__(self) -> None:
        for name in ("steps", "save_every", "n_held_out", "devices"):
            if getattr(self, name) < 1:
                raise TrainingError(f"{name}: expected 1 or more, found {getattr(self, name)}")


FREE_TO_CHANGE = ("steps", "minutes", "save_every", "accelerator", "devices", "precision")
"""Settings that may be other ones when a training goes on."""
