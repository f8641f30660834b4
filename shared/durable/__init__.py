<<<<<<< HEAD
"""A record that survives crashes, and its next step. Knows no document, no model and no batch."""
=======
"""Records that survive crashes, and their next step. Knows no document and no model."""
>>>>>>> wt-net
