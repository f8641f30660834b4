"""Review: people decide what the model was not sure of, and what they decide becomes a label."""
