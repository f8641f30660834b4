"""What developers and deployments run, and what never ships: staging the package, resolving the lock files."""
