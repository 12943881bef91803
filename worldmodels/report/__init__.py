"""What a run shows to people: statistics, tables, pictures, video, a page, and its progress."""
