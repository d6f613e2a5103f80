"""What is known about trained weights: where they may be used, how they were made, how good they were."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from napari_mlpatch.core.recipe import Description

if TYPE_CHECKING:
    from napari_mlpatch.core.method import Method
    from napari_mlpatch.core.operator import Operator

NORM_TOLERANCE = 0.02
"""Relative difference of ‖A‖ up to which weights fit an operator; ``A.norm`` itself is good to 1 %."""


class Card(BaseModel):
    """The model card that lies as JSON beside the tensors.

    ``method`` is the registered name of the method that the weights are for, or "denoiser": any method that works
    with denoisers. ``architecture`` is the network and its configuration. ``operator`` and ``operator_norm`` (‖A‖) are
    those of the training; a denoiser has none. ``data`` says in words what was trained on, ``training`` holds the
    recipe of ``mlpatch train``. ``sha256`` is the hash of the safetensors file.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    format: Literal["napari-mlpatch weights 1"] = "napari-mlpatch weights 1"
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")]
    title: str
    method: str
    architecture: Description
    operator: Description | None = None
    operator_norm: Annotated[float, Field(gt=0)] | None = None
    noise: Description | None = None
    data: str
    steps: Annotated[int, Field(ge=0)]
    seed: int
    training: dict[str, Any] | None = None
    metrics: dict[str, float]
    licence: str
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]

    @property
    def noise_range(self) -> tuple[float, float] | None:
        """Lowest and highest noise level of the training; None where the card says nothing or no two numbers."""
        levels = None if self.noise is None else self.noise.params.get("sigma")
        if not isinstance(levels, list | tuple) or len(levels) != 2:
            return None
        if not all(type(level) in (int, float) and 0 <= level < 1e300 for level in levels):
            return None
        return float(levels[0]), float(levels[1])

    def unsuitable(self, method: Method, A: Operator, channels: int = 1) -> str:
        """Why the weights cannot be used by this method on this operator and so many channels; empty where they can.

        Learned methods are not invariant to ‖A‖, so an operator of another norm is refused.
        """
        these = f"The weights {self.name!r}"
        own = self.architecture.params.get("channels", 1)
        if own != channels:
            return f"{these} are for pictures with {own} channels, these data make pictures with {channels}."
        if self.method == "denoiser":
            takes = method.weights_kind == "denoiser"
            return "" if takes else f"{these} are a denoiser, which the method {method.name!r} has no use for."
        if method.name != self.method:
            return f"{these} are for the method {self.method!r}, not for {method.name!r}."
        if self.operator is None or self.operator_norm is None:
            return f"The card of {self.name!r} does not say for which operator they were trained."
        kind = getattr(A, "name", type(A).__name__)
        if kind != self.operator.name:
            return f"{these} were trained for the operator {self.operator.name!r}, not for {kind!r}."
        if abs(A.norm - self.operator_norm) > NORM_TOLERANCE * self.operator_norm:
            return (
                f"{these} were trained with ‖A‖ = {self.operator_norm:.4g}, but this operator has "
                f"‖A‖ = {A.norm:.4g}. Use the geometry and the units of length that they were trained with."
            )
        return ""
