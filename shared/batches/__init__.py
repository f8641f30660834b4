"""Batches: the documents that go to the service as one analyze job."""
