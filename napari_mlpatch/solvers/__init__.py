"""Numerical algorithms as generators. One file is one algorithm; none knows what it is used for."""
