"""The conductor process: OSC in, plans out."""
