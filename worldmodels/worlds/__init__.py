"""The worlds: the official games as 64x64 frames, and M's dream."""
