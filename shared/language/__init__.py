"""Client of the Azure Language service, custom text classification. Knows nothing of blobs, queues or jobs."""
