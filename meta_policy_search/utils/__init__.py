"""Compiled functions, checkpoints, logs, atomic writes."""
