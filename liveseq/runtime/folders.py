"""Folders of models, and the names of the usual ones."""

from pathlib import Path

from liveseq.config import ServerConfig
from liveseq.errors import ModelError
from liveseq.runtime.manifest import names_of

MODELS = Path(__file__).resolve().parents[2] / "models"
"""Shipped and trained models, one folder each."""
PREDICTOR = ServerConfig.predictor
TEXT_ENCODER = "text-encoder"
GENERATOR = ServerConfig.generator
"""Name of the generator that is used where no other is asked for; it need not be there."""
FIRST_VOICES: tuple[str, ...] = ("unagan", "musika")
"""Generators that make the first corpus of a server that is given none, each its share of every tag that it was taught.
None of them: liveseq composes the demo corpus instead (a generator that misses its gate is no default voice)."""


def model_folder(name: str | Path) -> Path:
    """Folder of a model, by its path or by its name under models/. Raises ModelError for what can be neither."""
    path = Path(name)
    try:
        return path if path.is_dir() else MODELS / path
    except OSError as error:
        raise ModelError(
            f"{str(name)[:64]}: no such model folder ({error.strerror}); give its name, or its path"
        ) from None


def predictor_names() -> list[str]:
    """Names of the predictors under models/."""
    return names_of(MODELS, role="predictor")


def generator_names() -> list[str]:
    """Names of the generators under models/."""
    return names_of(MODELS, role="generator")
