"""How good generated sound is, without a listener: distances to real sound, faults, copies, and what a label says."""
