"""Documents: what one is, its text, its upload event, and listings matched with records."""
