"""Stacks of slices: read in blocks, cared for, reconstructed, written, restarted."""
