"""The recordings a sound training learns: read, converted, kept and cut."""
