<<<<<<< HEAD
"""A batch: up to 25 documents from the inbox to their records, by way of the Language service's jobs."""
=======
"""Batches: the documents that go to the service as one analyze job."""
>>>>>>> wt-net
