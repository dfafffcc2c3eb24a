"""The generated-audio DB: sources, units, descriptors, their index, and how it is built."""
