"""Models: labels, training, the gate, publishing, and the model in use."""
