"""Forward operators. One file is one family; each is a frozen pydantic dataclass under a decorator."""

from .fan_beam import FanBeam
from .interferometer import Interferometer
from .kaiser_squires import KaiserSquires
from .mri_cartesian import MRICartesian
from .mri_noncartesian import MRINonCartesian
from .parallel_beam import ParallelBeam

__all__ = ["FanBeam", "Interferometer", "KaiserSquires", "MRICartesian", "MRINonCartesian", "ParallelBeam"]
