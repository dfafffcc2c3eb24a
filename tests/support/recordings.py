"""Real recordings, a few seconds each (tests/recordings/README.md says whose)."""

from pathlib import Path

RECORDINGS = Path(__file__).resolve().parents[1] / "recordings"
