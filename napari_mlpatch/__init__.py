"""Reconstruction workbench for imaging inverse problems.

>>> import napari_mlpatch as mp
>>> A = mp.operators.ParallelBeam(image_shape=(256, 256), angles_deg="0:180:60", detector_count=364)
>>> problem = mp.simulate(image, A, noise=mp.noise.Gaussian(relative=0.05), seed=0)
>>> result = mp.reconstruct(problem, mp.methods.TV())

Submodules and names are loaded when they are first used, so importing the package loads neither torch nor Qt.
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any

# Read by GNU OpenMP when torch is loaded. Its threads spin for long while they wait for work, which makes every short
# operation ten times slower as soon as anything else (a window that draws, a second job) needs a core. Spinning a
# little keeps the full speed of an idle machine and a third of the loss.
os.environ.setdefault("GOMP_SPINCOUNT", "10000")

if TYPE_CHECKING:
    from . import io, methods, noise, operators, weights
    from .core import metrics
    from .core.errors import InputError
    from .core.events import Result
    from .core.problem import Problem
    from .core.recipe import Recipe
    from .core.run import reconstruct, run
    from .core.simulate import simulate
    from .core.trial import estimate

__version__ = "0.1.0"

_MODULES = {
    "io": ".io",
    "methods": ".methods",
    "metrics": ".core.metrics",
    "noise": ".noise",
    "operators": ".operators",
    "weights": ".weights",
}
_NAMES = {
    "InputError": ".core.errors",
    "Problem": ".core.problem",
    "Recipe": ".core.recipe",
    "Result": ".core.events",
    "estimate": ".core.trial",
    "reconstruct": ".core.run",
    "run": ".core.run",
    "simulate": ".core.simulate",
}

__all__ = [
    "InputError",
    "Problem",
    "Recipe",
    "Result",
    "estimate",
    "io",
    "methods",
    "metrics",
    "noise",
    "operators",
    "reconstruct",
    "run",
    "simulate",
    "weights",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(_MODULES[name], __name__)
    if name in _NAMES:
        return getattr(importlib.import_module(_NAMES[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
