"""Filtered back-projection."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import Field
from pydantic.dataclasses import dataclass

from napari_mlpatch.core.declare import CONFIG
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.method import Iterate, Method
from napari_mlpatch.core.operator import Operator
from napari_mlpatch.core.problem import Problem
from napari_mlpatch.core.registry import methods
from napari_mlpatch.operators.filters import Window
from napari_mlpatch.operators.truncation import Padding


@methods.register("fbp", title="Filtered back-projection (FBP)")
@dataclass(frozen=True, config=CONFIG)
class FBP(Method):
    """Ramp filter times a window, then back-projection: exact for many noise-free angles (Kak & Slaney 1988).

    Equation:
        x(r) = ∫₀^π (h ∗ y_θ)(s) dθ,   s = r · (cos θ, -sin θ)
        ĥ(ω) = |ω| · window(ω / (cutoff · Nyquist))

    When to use it:
        CT with many angles and little noise, as the first picture and as the picture others are compared with: it takes
        milliseconds and has no parameter that must be tuned. With few angles it shows streaks, with much noise grain; a
        window from ``ramp`` to ``hann``, or a lower ``cutoff``, trades resolution for noise. For other operators take
        their quick picture (``direct`` denoises it).

    References:
        - A. C. Kak & M. Slaney, Principles of Computerized Tomographic Imaging, IEEE Press 1988,
          doi:10.1137/1.9780898719277.
        - G. N. Ramachandran & A. V. Lakshminarayanan, Three-dimensional reconstruction from radiographs and electron
          micrographs, PNAS 68 (1971) 2236-2240, doi:10.1073/pnas.68.9.2236.
    """

    window: Annotated[Window, Field(description="window on the ramp filter; smoother from ramp to hann")] = "ramp"
    cutoff: Annotated[float, Field(gt=0, le=1, description="highest frequency kept, as a share of Nyquist")] = 1.0
    padding: Annotated[
        Padding,
        Field(description="rows beyond the detector: continued where they do not end in air, at every edge, or zero"),
    ] = "auto"

    iterative = False
    draws = False

    def solve(self, problem: Problem, network: Any = None, state: dict | None = None) -> Iterator[Iterate | None]:
        reason = self.unsuitable(problem.A)
        if reason:
            raise InputError(reason)
        x = problem.A.fbp(problem.y, self.window, self.cutoff, padding=self.padding)  # type: ignore[attr-defined]
        yield Iterate(x, 1, 1, converged=True)

    def unsuitable(self, A: Operator) -> str:
        return "" if hasattr(A, "fbp") else f"Filtered back-projection needs a CT operator, not {type(A).__name__}."
