"""Stacks in files: one kind a module, on top of the readers of single measurements."""
