"""The Reconstruct dock: methods, weights, runs."""
