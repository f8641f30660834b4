"""A client of Azure AI Language, custom text classification. It knows nothing of blobs, queues or batches."""
