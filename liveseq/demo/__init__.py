"""The demo corpus: composed and synthesised in plain numpy, to learn from and to test with."""
