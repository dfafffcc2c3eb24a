"""Faults that are done to a running server, and what is heard and seen of them: for chaos, the night, and tests."""
