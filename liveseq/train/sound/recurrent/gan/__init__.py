"""Recurrent GAN."""
