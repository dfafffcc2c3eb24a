"""Generators of sound: networks, their training, and how what they make is judged."""
