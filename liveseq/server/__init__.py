"""Supervisor and conductor: OSC in, plans out."""
