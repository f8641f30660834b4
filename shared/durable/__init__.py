"""A record that survives crashes, and its next step. Knows nothing of documents, models and batches."""
