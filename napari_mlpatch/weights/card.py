"""What is known about trained weights: where they may be used, how they were made, how good they were."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from napari_mlpatch.core.recipe import Description


class Card(BaseModel):
    """The model card that lies as JSON beside the tensors.

    ``method`` is the registered name of the method that the weights are for, or "denoiser": any method that works
    with denoisers. ``architecture`` is the network and its configuration. ``operator`` and ``operator_norm`` (‖A‖) are
    those of the training; a denoiser has none. ``data`` says in words what was trained on, ``training`` holds the
    recipe of ``mlpatch train``. Whether they fit a method and its data, ``Method.accepts`` says. ``sha256`` is the hash
    of the safetensors file.
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

    @property
    def normalise(self) -> bool:
        """Whether they were trained with ``normalise``: what the task of their training says, else True."""
        found: Any = self.training
        while isinstance(found, dict):
            if isinstance(found.get("normalise"), bool):
                return found["normalise"]
            found = found.get("task", found.get("params"))
        return True
