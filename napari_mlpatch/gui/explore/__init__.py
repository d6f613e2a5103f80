"""Patch microscope, film, Zoom, equivariance in the window."""
