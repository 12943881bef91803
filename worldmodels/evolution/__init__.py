"""The search for C: CMA-ES, rollouts, and the processes that share the work."""
