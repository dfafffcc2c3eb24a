"""The database of sound that is played: sources, units, descriptors, their index, and how it is built."""
