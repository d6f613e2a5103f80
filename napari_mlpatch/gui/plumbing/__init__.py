"""What all docks stand on: listening to signals, messages, the canvas, small widgets."""
