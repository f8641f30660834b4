"""The use cases of classification: accept, collect, advance, record, reconcile, sweep. No SDK types in signatures."""
