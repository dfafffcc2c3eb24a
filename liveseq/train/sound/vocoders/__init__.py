"""Vocoders: mel frames to sound."""
