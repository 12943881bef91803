"""The shipped games, one file each."""
