"""Exports of these tests are timed and compared for a moment only."""

import pytest

from liveseq.train import report as reports
from liveseq.train.sound import export


@pytest.fixture(autouse=True)
def short(monkeypatch):
    monkeypatch.setattr(reports, "BENCHMARK_RUNS", 100)
    monkeypatch.setattr(reports, "BENCHMARK_ROUNDS", 2)
    monkeypatch.setattr(export, "PARITY_STEPS", 40)
