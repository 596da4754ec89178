"""Optimisers of the meta-objective."""
