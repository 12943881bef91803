"""The progress of a run in the terminal: read from its logs, drawn, and followed."""
