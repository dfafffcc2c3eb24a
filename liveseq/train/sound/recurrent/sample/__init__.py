"""Recurrent network of single samples."""
