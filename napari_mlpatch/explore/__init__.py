"""What can be looked at with a network: patch microscope, film, Zoom, equivariance. Knows no window."""
