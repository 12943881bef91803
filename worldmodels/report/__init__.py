"""What a run shows to people: statistics, tables, pictures and video."""
