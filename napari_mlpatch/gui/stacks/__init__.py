"""All slices of a stack: the dock, what is tried before, and the volume that grows on the canvas."""
