"""What every test may use."""

from pathlib import Path

import numpy as np
import pytest

CC0_FOLDER = Path(__file__).resolve().parents[2] / "shared" / "audio" / "sonic-pi-samples"


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(1234)


@pytest.fixture(scope="session")
def cc0_folder() -> Path:
    """Folder of real CC0 recordings that lies beside the project where it is developed."""
    if not CC0_FOLDER.is_dir():
        pytest.skip(f"no recordings at {CC0_FOLDER}")
    return CC0_FOLDER
