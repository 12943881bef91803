"""Toy problems that show the ideas behind M and C in seconds."""
