"""Figures: every number in the docs comes from a command here; `python -m benchmarks.all` runs them all."""
