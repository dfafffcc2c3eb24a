"""The first corpus that everyone has: composed and synthesised in plain numpy."""
