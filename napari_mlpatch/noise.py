"""``mp.noise``: the noise models, under the name that scripts know. They live in ``noises``, one file each."""

from .noises import Gaussian, Noise, NoNoise, Poisson, PoissonGaussian, PoissonTransmission, ShapeNoise

__all__ = ["Gaussian", "NoNoise", "Noise", "Poisson", "PoissonGaussian", "PoissonTransmission", "ShapeNoise"]
