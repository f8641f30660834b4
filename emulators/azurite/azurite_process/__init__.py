"""Azurite as a child process, for tests and local runs: started on a free port, awaited, always stopped."""
