"""Training jobs: labels and documents in, an evaluated model out."""
