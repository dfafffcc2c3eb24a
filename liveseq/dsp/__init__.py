"""Signals in, numbers out: audio files, spectra, descriptors, fades, loudness. No model, no thread."""
