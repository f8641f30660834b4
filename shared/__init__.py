"""Everything the functions decide and do. Never imports functions, local or tests."""
