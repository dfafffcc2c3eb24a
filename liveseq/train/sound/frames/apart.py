"""Distance of drawn frames from real ones where no frame has its counterpart: how bands stand, vary and move."""

from torch import Tensor, stack


def apart(drawn: Tensor, real: Tensor) -> float:
    """Mean difference of each band's mean, deviation and movement. Scored bands (B, n_mels, T) each."""
    return float((_movement(drawn) - _movement(real)).abs().mean())


def _movement(mel: Tensor) -> Tensor:
    """Mean, deviation and movement of each band: (B, n_mels, T) -> (B, n_mels, 3)."""
    return stack((mel.mean(-1), mel.std(-1), mel.diff(dim=-1).abs().mean(-1)), dim=-1)
