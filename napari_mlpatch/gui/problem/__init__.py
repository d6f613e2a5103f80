"""The Problem dock: measured and simulated problems, readers and samples of napari."""
