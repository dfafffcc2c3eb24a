"""Benchmarks of the way from words to units: meaning, search, selection, joins, steering, and building corpora."""
