"""HTTP as the service speaks it, whatever the operation: credentials, rate limit, headers, errors, links, pages."""
