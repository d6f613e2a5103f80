"""Readers and writers of measurements and images, and the bundled samples. All bad input raises InputError."""

from . import samples
from .angles import read_angles
from .array_file import read_array
from .atomic import check_writable, refuse_inputs
from .image_files import image_from_file, read_image, read_recipe
from .image_writer import write_image
from .load import load, read_measurement
from .measurement import Measurement
from .problem_file import write_measurement
from .result_file import write_result
from .source import open_image, open_source

__all__ = [
    "Measurement",
    "check_writable",
    "image_from_file",
    "load",
    "open_image",
    "open_source",
    "read_angles",
    "read_array",
    "read_image",
    "read_measurement",
    "read_recipe",
    "refuse_inputs",
    "samples",
    "write_image",
    "write_measurement",
    "write_result",
]
