"""Shared memory between processes, in which nobody waits."""
