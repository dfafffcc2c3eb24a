"""Models, measured."""
