"""The HTML page of a run, or of several: read from their folders, drawn, and written."""
