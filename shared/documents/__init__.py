"""A document from its upload to its terminal record. Knows nothing of batches and operations."""
