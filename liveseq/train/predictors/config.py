"""Settings of the training of a predictor."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class PredictorTrainConfig:
    """Settings of the training of a predictor; the defaults are those of `liveseq train predictor`."""

    window: int = 48
    """Steps that are learned from at a time: 8.2 s at 48 kHz."""
    batch_size: int = 32
    """Crops at a time, on each device."""
    learning_rate: float = 2e-3
    warm_up: int = 50
    """Batches over which the learning rate rises to it."""
    weight_decay: float = 1e-2
    average: float = 0.99
    """Share of the old in a running average of the weights, which is judged and kept; 0: the weights themselves are."""
    rollout: int = 0
    """Steps of its own means that it hears before its answers count; 0: none."""
    rollout_epochs: int = 10
    """Epochs over which those answers come to count in full."""
    error_weight: float = 1.0
    """Weight of the squared error of the expected course, beside the likelihood."""
    epochs: int = 200
    """Epochs, at most."""
    minutes: float | None = None
    """Minutes, at most; None: as long as it takes."""
    patience: int = 20
    """Epochs without a better validation NLL before it ends; after a third of them the learning rate is halved."""
    held_out: float = 0.2
    """Share of the files of each tag that are not trained on."""
    seed: int = 1
    accelerator: str = "auto"
    """cpu, cuda, mps or auto."""
    devices: int = 1
    """GPUs, or processes on the CPU."""
    precision: str = "32"
    """32, bf16-mixed or 16-mixed."""


FREE_TO_CHANGE = ("epochs", "minutes", "accelerator", "devices", "precision")
"""Settings that may be other ones when a training goes on."""
