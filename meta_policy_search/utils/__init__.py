"""Compiled doors, checkpoints, logs."""
