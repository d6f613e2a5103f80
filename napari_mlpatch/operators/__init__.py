"""Forward operators. One file is one family; each is a frozen pydantic dataclass under a decorator."""

from .fan_beam import FanBeam
from .kaiser_squires import KaiserSquires
from .parallel_beam import ParallelBeam

__all__ = ["FanBeam", "KaiserSquires", "ParallelBeam"]
