"""The use cases of training: projects, retraining operations, the gate, and the model in use."""
