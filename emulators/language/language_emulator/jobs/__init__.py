"""Jobs of every kind but training: their records, the life-cycle they share, and what each does when it ends."""
