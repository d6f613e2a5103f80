"""Forward operators. One file is one family; each is a frozen pydantic dataclass under a decorator."""

from .blur import Blur
from .composed import Composed, Scaled
from .compressed_sensing import CompressedSensing
from .fan_beam import FanBeam
from .identity import Identity
from .inpainting import Inpainting
from .interferometer import Interferometer
from .kaiser_squires import KaiserSquires
from .mri_cartesian import MRICartesian
from .mri_noncartesian import MRINonCartesian
from .parallel_beam import ParallelBeam
from .stacked import Stacked
from .super_resolution import SuperResolution

__all__ = [
    "Blur",
    "Composed",
    "CompressedSensing",
    "FanBeam",
    "Identity",
    "Inpainting",
    "Interferometer",
    "KaiserSquires",
    "MRICartesian",
    "MRINonCartesian",
    "ParallelBeam",
    "Scaled",
    "Stacked",
    "SuperResolution",
]
