"""UNAGAN: mel frames out of noise and a tag."""
