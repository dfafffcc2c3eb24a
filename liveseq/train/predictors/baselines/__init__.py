"""Baselines of a predictor, which need no network: mean, persistence, linear models, analogues, a Markov chain."""
