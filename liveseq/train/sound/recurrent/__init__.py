"""Recurrent networks that make sound: on latents by an adversary, sample by sample, block by block."""
