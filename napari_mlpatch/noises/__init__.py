"""Noise models. One file is one model; each is a frozen pydantic dataclass under a decorator."""

from napari_mlpatch.core.noise import Noise

from .gaussian import Gaussian
from .none import NoNoise
from .poisson import Poisson
from .poisson_gaussian import PoissonGaussian
from .poisson_transmission import PoissonTransmission
from .shape_noise import ShapeNoise

__all__ = ["Gaussian", "NoNoise", "Noise", "Poisson", "PoissonGaussian", "PoissonTransmission", "ShapeNoise"]
