"""Musika: stereo sound out of noise and a tag, through a latent space."""
