"""Baselines of the return, fitted to the samples they serve."""
