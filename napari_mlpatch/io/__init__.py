"""Readers and writers of measurements and images, and the bundled samples. All bad input raises InputError."""

from . import samples, simulations
from .angles import read_angles
from .array_file import read_array
from .atomic import check_writable, refuse_inputs
from .guard import existing_file
from .image_files import image_from_file, read_image, read_numbers, read_recipe
from .image_writer import write_image
from .inputs import inputs_of
from .load import load, read_measurement
from .measurement import Measurement
from .picture import open_picture
from .problem_file import write_measurement
from .readers.numpy_file import stored_npz
from .result_file import write_result
from .session import SavedProblem, SavedResult, Session, is_session, read_session, write_session
from .source import open_image, open_source
from .truth import read_truth

__all__ = [
    "Measurement",
    "SavedProblem",
    "SavedResult",
    "Session",
    "check_writable",
    "existing_file",
    "image_from_file",
    "inputs_of",
    "is_session",
    "load",
    "open_image",
    "open_picture",
    "open_source",
    "read_angles",
    "read_array",
    "read_image",
    "read_measurement",
    "read_numbers",
    "read_recipe",
    "read_session",
    "read_truth",
    "refuse_inputs",
    "samples",
    "simulations",
    "stored_npz",
    "write_image",
    "write_measurement",
    "write_result",
    "write_session",
]
