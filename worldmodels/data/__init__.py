"""Recorded episodes, and what becomes of them on the way to V and M."""
