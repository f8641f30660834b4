"""Operations: our records of retraining, publishing, reclassifying and redriving, each a table of durable steps."""
