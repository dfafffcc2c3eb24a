"""Rigs for benchmarks and tests: JACK servers, clients that listen and play, started servers, an OSC controller."""
