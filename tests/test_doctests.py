"""The examples in the docstrings say what is so."""

import doctest
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FILES = [path.relative_to(ROOT) for path in sorted((ROOT / "liveseq").rglob("*.py")) if ">>> " in path.read_text()]


@pytest.mark.parametrize("path", FILES, ids=str)
def test_examples(path):
    module = importlib.import_module(".".join(path.with_suffix("").parts))
    found = doctest.testmod(module)
    assert found.attempted
    assert not found.failed
