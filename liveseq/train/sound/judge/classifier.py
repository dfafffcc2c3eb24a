"""A small network that names the tag of a second of sound, taught with real recordings only."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from liveseq.train.sound.judge.windows import MelNet

EPOCHS = 30
BATCH = 64
NOISE = 0.3
"""Deviation of the noise on standardised inputs, so that it does not learn recordings by heart."""


class Classifier:
    """Network that names the tag of a second, and places seconds by its last layer but one."""

    def __init__(self, net: MelNet, head: nn.Linear, tags: tuple[str, ...]) -> None:
        self.net, self.head, self.tags = net, head, tags

    @torch.no_grad()
    def name(self, mels: np.ndarray) -> np.ndarray:
        """Index in `tags` of each log-mel second (n, n_mels, n_frames): int64 (n,)."""
        self.net.eval()
        return self.head(self.net(torch.from_numpy(mels))).argmax(dim=1).numpy()

    def embed(self, mels: np.ndarray) -> np.ndarray:
        """Points of log-mel seconds (n, n_mels, n_frames), float32 (n, n_dimensions)."""
        return self.net.embed(mels)

    def accuracy(self, mels: np.ndarray, labels: np.ndarray) -> float:
        """Share of seconds (n, n_mels, n_frames) that are named as labelled, int64 (n,); every tag counts as much."""
        right = self.name(mels) == labels
        return float(np.mean([right[labels == label].mean() for label in np.unique(labels)]))


def teach(mels: np.ndarray, labels: np.ndarray, *, tags: tuple[str, ...], seed: int = 0) -> Classifier:
    """Classifier of log-mel seconds (n, n_mels, n_frames) with labels into `tags`, int64 (n,); one for each seed."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        net = MelNet(mels.shape[1])
        net.standardise(mels)
        head = nn.Linear(128, len(tags))
        optimizer = torch.optim.AdamW([*net.parameters(), *head.parameters()], lr=2e-3, weight_decay=0.05)
        x, y = torch.from_numpy(mels), torch.from_numpy(labels)
        net.train()
        for _ in range(EPOCHS):
            for rows in torch.randperm(len(x)).split(BATCH):
                noisy = x[rows] + NOISE * net.deviation * torch.randn_like(x[rows])
                loss = functional.cross_entropy(head(functional.dropout(net(noisy), 0.3)), y[rows])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
    return Classifier(net, head, tags)
