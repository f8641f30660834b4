"""Records that survive crashes, and their next step. Knows no document and no model."""
