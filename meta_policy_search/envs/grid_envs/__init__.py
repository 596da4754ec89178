"""Discrete actions."""
