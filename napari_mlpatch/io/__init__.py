"""Readers and writers of measurements and images, and the bundled samples. All bad input raises InputError.

What the names stand for is imported when they are first used: the readers of all formats take a quarter of a second,
in which a window opens.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import samples, simulations
    from .angles import read_angles
    from .array_file import read_array
    from .atomic import check_writable, refuse_inputs
    from .guard import existing_file
    from .image_files import image_from_file, read_image, read_numbers, read_pixel_size, read_recipe
    from .image_writer import write_image
    from .inputs import inputs_of
    from .loading import load, read_measurement
    from .measurement import Measurement
    from .picture import open_picture
    from .problem_file import write_measurement
    from .readers.numpy_file import stored_npz
    from .result_file import write_result
    from .session import SavedProblem, SavedResult, Session, is_session, read_session, write_session
    from .source import open_image, open_source
    from .truth import read_truth

_MODULES = ("samples", "simulations")
_NAMES = {
    "Measurement": ".measurement",
    "SavedProblem": ".session",
    "SavedResult": ".session",
    "Session": ".session",
    "check_writable": ".atomic",
    "existing_file": ".guard",
    "image_from_file": ".image_files",
    "inputs_of": ".inputs",
    "is_session": ".session",
    "load": ".loading",
    "open_image": ".source",
    "open_picture": ".picture",
    "open_source": ".source",
    "read_angles": ".angles",
    "read_array": ".array_file",
    "read_image": ".image_files",
    "read_measurement": ".loading",
    "read_numbers": ".image_files",
    "read_pixel_size": ".image_files",
    "read_recipe": ".image_files",
    "read_session": ".session",
    "read_truth": ".truth",
    "refuse_inputs": ".atomic",
    "stored_npz": ".readers.numpy_file",
    "write_image": ".image_writer",
    "write_measurement": ".problem_file",
    "write_result": ".result_file",
    "write_session": ".session",
}

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
    "read_pixel_size",
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


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f".{name}", __name__)
    if name in _NAMES:
        value = globals()[name] = getattr(importlib.import_module(_NAMES[name], __name__), name)
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
