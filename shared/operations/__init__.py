"""Operations: our records of retraining, publishing and reclassifying, each a table of durable steps."""
