"""Benchmarks of a running server: latency, starts, whole sets."""
