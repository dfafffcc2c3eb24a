"""Training of the generator of samples: likelihood, in short windows under frames that have heard seconds."""

import math
from collections.abc import Sequence
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

from liveseq.train.sound.material.crops import AudioCrops
from liveseq.train.sound.material.library import Library
from liveseq.train.sound.recipe import Batch
from liveseq.train.sound.recurrent.births import N_BIRTHS
from liveseq.train.sound.recurrent.recipe import STREAMS_FROM, Material, RecurrentRecipe
from liveseq.train.sound.recurrent.sample.networks import FRAME, SampleGenerator
from liveseq.train.sound.tags import tag_size, tag_table

LEARNING_RATE, WARM_UP = 1e-3, 0.02
MAX_NORM = 1.0
WINDOW = 5
"""Frames of a window that the GRU learns; of the first one it only hears."""
N_WINDOWS = 5
"""Windows of a crop."""
DITHER = 2e-3
"""Deviation of the noise on squeezed samples: digital silence would be likelier than all bounds."""
N_MEASURED = 20
"""Batches that the loudest samples are taken from."""
LOUDEST = 0.999
"""Share of samples that are no louder."""


class SampleRecipe(RecurrentRecipe):
    """The generator, which is all there is to learn."""

    def __init__(self, about: dict[str, Any]) -> None:
        """about: config.yaml."""
        super().__init__()
        settings, self.sample_rate = about["model"], about["sample_rate"]
        self.temperature: float = settings["temperature"]
        names = ("frame_width", "n_layers", "n_conditions", "width", "n_components", "dropout")
        sizes = {name: settings[name] for name in names}
        self.generator = SampleGenerator(n_tags=len(about["tags"]), tag_size=tag_size(about), **sizes)

    def measure(self, library: Library, crops: dict[str, Any], *, seed: int) -> Material:
        """See `RecurrentRecipe.measure`: the loudest samples of each band, and the vectors of the tags."""
        material, generator = super().measure(library, crops, seed=seed), self.generator
        audio = torch.cat([material.crops.batch(number)[0].mean(dim=1) for number in range(N_MEASURED)])
        bands = generator.bank.analysis(audio).abs().transpose(0, 1).flatten(1)
        place = math.ceil(LOUDEST * bands.shape[1])
        generator.loudest[:] = bands.kthvalue(place, dim=1).values.clamp(min=1e-4)
        generator.tempi.teach(tag_table(library))
        return material

    def networks(self) -> dict[str, nn.Module]:
        return {"generator": self.generator}

    def averaged(self) -> tuple[str, ...]:
        return ("generator",)

    def optimizers(self) -> dict[str, Optimizer]:
        return {"generator": AdamW(self.generator.parameters(), lr=LEARNING_RATE, betas=(0.9, 0.98))}

    def train_step(self, fabric: Fabric, batch: Batch, number: int) -> dict[str, Tensor | float]:
        """batch: crops of `AudioCrops`."""
        share = min(1.0, self.progress / WARM_UP + 0.01) * 0.5 * (1.0 + math.cos(math.pi * self.progress))
        for group in self.bare_optimizers()["generator"].param_groups:
            group["lr"] = max(share, 0.01) * LEARNING_RATE
        with fabric.autocast():
            nats = self._nats(batch)
        self.update(fabric, "generator", nats, max_norm=MAX_NORM)
        return {"nats": nats.detach()}

    def _nats(self, batch: Batch) -> Tensor:
        """Mean negative log likelihood () of a sample in some windows, in nats."""
        audio, tags = batch
        generator = self.generator
        with torch.autocast(audio.device.type, enabled=False):
            samples = generator.squeezed(generator.bank.analysis(audio.mean(dim=1)))
        n_frames = samples.shape[1] // FRAME
        samples = samples[:, : n_frames * FRAME]
        samples = samples + DITHER * torch.randn_like(samples)
        conditions, _ = generator.heard(samples, generator.told(generator.tempi.tags[tags]))
        starts = torch.randint(n_frames - WINDOW + 1, (len(samples), N_WINDOWS), device=samples.device)
        frames = starts[..., None] + torch.arange(WINDOW, device=samples.device)  # (B, N_WINDOWS, WINDOW)
        rows = torch.arange(len(samples), device=samples.device)[:, None, None]
        windows = samples.unflatten(1, (n_frames, FRAME))[rows, frames].flatten(2, 3).flatten(0, 1)
        return generator.nats(windows, conditions[rows, frames].flatten(2, 3).flatten(0, 1), n_left_out=FRAME)

    @torch.no_grad()
    def score(self, batches: Sequence[Batch]) -> dict[str, float]:
        """Nats of a sample."""
        return {"score": sum(float(self._nats(batch)) for batch in batches) / len(batches)}

    @torch.no_grad()
    def learn_last(self, material: Material, *, seed: int) -> None:
        """Births, out of whole crops."""
        torch.manual_seed(seed)
        assert isinstance(material.crops, AudioCrops)
        settings = {"n_samples": material.crops.n_samples, "batch_size": STREAMS_FROM * N_BIRTHS}
        tags = material.library.tags
        for number, tag in enumerate(tags):
            if own := [recording for recording in material.library.train if recording.tag == tag]:
                audio, _ = AudioCrops(own, seed=seed, augment=False, **settings).batch(0)
                self._learn_births(number, audio.mean(dim=1))

    def _learn_births(self, tag: int, audio: Tensor) -> None:
        """audio: (n, n_samples)."""
        generator = self.generator
        samples = generator.squeezed(generator.bank.analysis(audio))
        samples = samples[:, : samples.shape[1] // FRAME * FRAME]
        told = generator.told(generator.tempi.tags[tag]).expand(len(audio), -1)
        memory = generator.after(samples, told)
        generator.births.learn(tag, memory, audio[:, -generator.n_frame :].square().mean(dim=1))

    def last(self) -> dict[str, nn.Module]:
        return {"generator.births": self.generator.births}
