"""A batch: up to 25 documents from the inbox to their records, by way of the Language service's jobs."""
