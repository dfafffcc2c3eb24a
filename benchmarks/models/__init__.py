"""Benchmarks of models: what they make, and what a step costs."""
