"""An operator whose samples are weighed, so that the noise of all of them is alike."""

from __future__ import annotations

from napari_mlpatch.core.operator import Operator
from napari_mlpatch.torch_later import Tensor, torch


class Weighted(Operator):
    """``w · A(x)``: row j of A times ``w_j > 0``, with weights ``w [B, 1, *range_shape]`` of the items of a batch.

    ``‖w (A x - y)‖²`` is the likelihood's data term where sample j has noise of standard deviation ``s / w_j``. It
    takes batches of B items, or of one, which is weighed in B ways. Preconditioners are those of A: w has a mean square
    of 1 for each item. Not registered, as weights belong to a measurement and not to a recipe.
    """

    def __init__(self, operator: Operator, w: Tensor):
        self.operator, self.w = operator, w
        self.domain_shape, self.range_shape = operator.domain_shape, operator.range_shape
        self.complex_image, self.complex_data = operator.complex_image, operator.complex_data  # type: ignore[misc]
        self.free_phase = operator.free_phase  # type: ignore[misc]
        self.norm, self.column_norm = operator.norm, operator.column_norm

    @property
    def sampled(self) -> Tensor | None:
        return self.operator.sampled

    def _w(self, y: Tensor) -> Tensor:
        return self.w.to(y.device, y.dtype.to_real())

    def _apply(self, x: Tensor) -> Tensor:
        y = self.operator._apply(x)
        return self._w(y) * y

    def _adjoint(self, y: Tensor) -> Tensor:
        return self.operator._adjoint(self._w(y) * y)

    def _normal(self, x: Tensor) -> Tensor:
        y = self.operator._apply(x)
        return self.operator._adjoint(self._w(y).square() * y)

    def pinv(self, y: Tensor) -> Tensor:
        return self.operator.pinv(y / self._w(y))

    def normal_symbol(self, device: torch.device, dtype: torch.dtype) -> Tensor | float:
        return self.operator.normal_symbol(device, dtype)

    def memory_bytes(self) -> int:
        return self.operator.memory_bytes()

    def picture(self, x: Tensor) -> Tensor:
        return self.operator.picture(x)
