"""Recurrent network of blocks of spectra."""
