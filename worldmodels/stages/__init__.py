"""The subcommands of the pipeline: each reads finished artifacts and writes one."""
