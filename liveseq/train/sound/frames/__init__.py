"""Recordings as mel frames: tracks and crops of them, and their latents in closed form."""
