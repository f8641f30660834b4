"""A record that survives crashes, and its next step. Knows no document, no model and no batch."""
