"""The rows of scripts/bench.py, one module each; `references` holds what they are compared to."""
