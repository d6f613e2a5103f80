"""The Train dock: any task, its progress, its curves."""
