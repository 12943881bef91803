"""V, M and C as functions of tensors: no files, no worlds, no settings."""
