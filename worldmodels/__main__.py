"""`python -m worldmodels` is the same as `wm`."""

from worldmodels.cli import command

if __name__ == "__main__":
    command()
