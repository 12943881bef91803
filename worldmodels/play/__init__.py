"""Playing by hand: a window in which a person drives, beside the agent, in a game or in a dream."""
