"""Trained agents that ship with the package."""
