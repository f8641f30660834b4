"""Benchmarks: each prints a table, writes build/bench/<name>.json and fails when a gate does."""
