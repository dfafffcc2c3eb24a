"""The text encoder: its words, its training, its export."""
