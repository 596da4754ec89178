"""Policies, functional in their parameters."""
