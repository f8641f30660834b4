"""Projects: their records, their labels, the storage their documents lie in."""
