"""The plain ways of doing what the stages do, as one would write them first."""
