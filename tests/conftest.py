"""Fixtures of every test."""

import ctypes
import sys

import numpy as np
import pytest

_LIBM = ctypes.CDLL("libm.so.6") if sys.platform == "linux" else None
_FE_DFL_ENV = ctypes.c_void_p(-1)


def pytest_runtest_setup():
    """Compute as a new thread does: onnxruntime leaves the one that ran a session with denormals as zero."""
    if _LIBM is not None:
        _LIBM.fesetenv(_FE_DFL_ENV)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(1234)
