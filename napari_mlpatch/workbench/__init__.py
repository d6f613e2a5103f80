"""The state of the window: problem, results, selection, queue, training. Knows no widget and no layer."""
