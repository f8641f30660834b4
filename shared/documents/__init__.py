"""A document from its upload to its terminal record. Knows no batch and no operation."""
