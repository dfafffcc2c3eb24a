"""Training, evaluation and export. The live path never imports it."""
