"""A trained policy in use."""
