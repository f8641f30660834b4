"""Blob containers and queues: ports (Protocols) and their Azure adapters."""
