"""Generators that are played while they make sound, in a process of their own."""
