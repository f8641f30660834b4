<<<<<<< HEAD
"""A document from its upload to its terminal record. Knows no batch and no operation."""
=======
"""Documents: what one is, its text, its upload event, and listings matched with records."""
>>>>>>> wt-net
