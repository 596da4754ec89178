"""Runs that are killed, starved of disk and lied to, and what must come of it."""
