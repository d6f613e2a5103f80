"""The linear forward operator A of a measurement ``y = A x + n``."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cached_property
from numbers import Real
from typing import Any, ClassVar

from napari_mlpatch.torch_later import Tensor, torch

from .budget import bytes_of, reserve
from .errors import InputError
from .made_once import Keeper, plainly
from .noise_level import from_smooth
from .registry import operators

Half = tuple["Operator", Callable[[Tensor], Tensor]]
"""Half of a measurement: its operator, and what takes its data out of the whole."""
FLOATS = ("float32", "float64")
COMPLEX = ("complex64", "complex128")


class Operator(Keeper):
    """A linear map A from images to measurements.

    Tensors are ``[batch, channel, *space]``: ``A(x)`` takes ``[B, C, *domain_shape]`` to ``[B, C, *range_shape]``,
    ``A.T(y)`` goes back and is the exact adjoint, ``A.normal(x)`` is ``A.T(A(x))``. All follow the device and the
    floating dtype of the tensor that they are given, and are differentiable. There is no hidden normalisation and no
    noise in here.

    A subclass is a frozen pydantic dataclass (its fields are the parameters) that sets ``domain_shape`` and
    ``range_shape`` and defines ``_apply`` and ``_adjoint``; ``_normal``, ``pinv``, ``normal_symbol`` and
    ``solve_shifted`` where something faster or better than the default exists. Where images are real and data
    complex, the adjoint is that of the real inner product: ``Re(A^H y)``.
    """

    domain_shape: tuple[int, ...]
    range_shape: tuple[int, ...]

    complex_image: ClassVar[bool | None] = None
    """Whether images are complex (real ones are then accepted too); None: either, and the data are of the same kind."""

    complex_data: ClassVar[bool | None] = None
    """Whether measurements are complex; None: as the image."""

    free_phase: ClassVar[bool] = True
    """Whether a constant phase of complex images says nothing, as in MRI; else their parts are two different things."""

    closed_form: ClassVar[bool] = False
    """Whether ``solve_shifted`` exists."""

    __array_ufunc__ = None  # NumPy's numbers times an operator are the operator's, its arrays are refused

    in_forms: ClassVar[bool] = True
    """Whether its parameters can be edited in a form; those that hold other operators cannot, and are not offered."""

    modality: ClassVar[str] = ""
    """What its pictures are called by the people who make them, such as CT; empty where they can be of anything."""

    @classmethod
    def suggest(cls, image_shape: tuple[int, ...]) -> dict[str, Any]:
        """Sensible parameters for simulating from an image of this shape: what forms and commands start from."""
        return {"image_shape": image_shape}

    def __call__(self, x: Tensor) -> Tensor:
        """A x."""
        return self._linear(x, "apply")

    @property
    def T(self) -> Adjoint:
        """The adjoint, itself callable; ``A.T.T is A``."""
        return Adjoint(self)  # not kept: a cycle would keep the operator's tables until the garbage is collected

    def normal(self, x: Tensor) -> Tensor:
        """AᵀA x, by the fastest exact way that the operator knows."""
        return self._linear(x, "normal")

    def __matmul__(self, inner: Operator) -> Operator:
        """``A @ B`` is A∘B, the operator ``x -> A(B(x))``."""
        return operators.get("composed")(outer=self, inner=inner) if isinstance(inner, Operator) else NotImplemented

    def __rmul__(self, factor: float) -> Operator:
        """``2.0 * A`` is the operator ``x -> 2 A x``."""
        return operators.get("scaled")(operator=self, factor=factor) if isinstance(factor, Real) else NotImplemented

    def pinv(self, y: Tensor) -> Tensor:
        """The field's usual quick image from a measurement (filtered back-projection, zero-filling...).

        What it sees in the data (their noise, rows that do not end in air) is held fixed when it is differentiated.
        """
        return self.T(y) / self.norm**2

    def solve_shifted(self, b: Tensor, alpha: float | Tensor) -> Tensor:
        """``(AᵀA + alpha I)⁻¹ b`` in closed form, for images b and ``alpha > 0``; only where ``closed_form`` is set.

        ``alpha`` is a number, or a tensor of one for each item that broadcasts with b: ``[B, 1, ...]``.
        """
        raise NotImplementedError(f"{type(self).__name__} has no closed form: use solvers.shifted")

    @property
    def sampled(self) -> Tensor | None:
        """Which samples of the measurement exist, bool, of a shape that broadcasts to ``range_shape``; None: all.

        The others are zero in every measurement, carry no noise and count in no statistic.
        """
        return None

    def halves(self) -> tuple[Half, Half] | None:
        """Two operators on the same image that measure every other view (line, coil, sample) and the rest.

        Each with the function that takes its part of a measurement; None where A cannot be divided so that each half
        makes a picture. The noise of the two parts is independent.
        """
        return None

    # ---- what a person sees -----------------------------------------------------------------------------------

    def picture(self, x: Tensor) -> Tensor:
        """The real image that stands for an image x, of the same shape: x, or the magnitude where that is complex."""
        return x.abs() if x.is_complex() else x

    def more_pictures(self, x: Tensor) -> dict[str, Tensor]:
        """What else there is to see of an image x, by name: phase, real and imaginary part where it is complex."""
        return {"phase": x.angle(), "real": x.real, "imaginary": x.imag} if x.is_complex() else {}

    def data_picture(self, y: Tensor) -> Tensor:
        """A measurement ``[B, C, *range_shape]`` as real pictures ``[B, C, rows, columns]``."""
        y = y.abs() if y.is_complex() else y
        return y[:, :, None] if y.ndim == 3 else y.flatten(2, -3).square().sum(2).sqrt() if y.ndim > 4 else y

    def remarks(self, y: Tensor) -> tuple[str, ...]:
        """What a person should know about a measurement before using its pictures, one sentence each."""
        return ()

    def estimate_std(self, y: Tensor) -> float:
        """Standard deviation of the noise of a measurement, from the measurement: see ``noise_level.from_smooth``."""
        return from_smooth(y)

    def noise_remark(self, y: Tensor) -> str:
        """What a person should know about ``estimate_std`` of this measurement, where it is not to be relied on."""
        return ""

    def noise_level(self, y: Tensor) -> tuple[float, str] | None:
        """``estimate_std`` and ``noise_remark`` of one item where the same work tells both; None where it does not."""
        return None

    @cached_property
    def norm(self) -> float:
        """The largest singular value of A, by power iterations in float32 on the CPU.

        They end when the Rayleigh quotient of AᵀA grows by less than 1e-4 of itself, after 200 at the latest. It comes
        from below, and is too small by about ``5e-5 / (1 - q²)`` of itself where the next singular value is ``sqrt(q)``
        times the largest: mostly well within 1 %, but that is not guaranteed.
        """
        with plainly():
            generator = torch.Generator().manual_seed(0)
            x = torch.rand(1, 1, *self.domain_shape, generator=generator)
            value = 0.0
            for _ in range(200):
                x = x / (x.abs().max() or 1.0)  # or squares leave the range of float32
                x = x / torch.linalg.vector_norm(x)
                image = self.normal(x)
                before, value = value, float((x.conj() * image).real.sum())
                if value - before <= 1e-4 * value or not image.any():
                    break
                x = image
        return math.sqrt(max(value, 0.0))

    @cached_property
    def column_norm(self) -> float:
        """Root mean square of the norms of A's columns, ``sqrt(trace(AᵀA) / n)``, from 4 random probes."""
        with plainly():
            generator = torch.Generator().manual_seed(0)
            z = torch.randint(0, 2, (4, 1, *self.domain_shape), generator=generator) * 2.0 - 1.0
            return math.sqrt(max(float((z * self.normal(z)).real.mean()), 0.0))

    def normal_symbol(self, device: torch.device, dtype: torch.dtype) -> Tensor | float:
        """Eigenvalues of a circulant approximation of AᵀA in ``rfft2`` layout: what preconditioners divide by.

        ``dtype`` is real. Complex images are filtered by it in their real and imaginary parts.
        """
        return self.column_norm**2

    def memory_bytes(self) -> int:
        """Estimate of the memory that the operator's own tables take, in bytes, in float32."""
        return 0

    def check_size(self) -> None:
        """Raises InputError where the operator's tables and data cannot fit into the memory, before they are made."""
        _ = self._fits  # once

    @cached_property
    def _fits(self) -> bool:
        try:
            tables = int(self.memory_bytes())
        except (ArithmeticError, IndexError, ValueError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(f"{self._parameters} cannot be computed with ({error}). Check its lengths.") from None
        images = bytes_of(self.domain_shape, 4) + bytes_of(self.range_shape, 4)
        reserve(tables + 2 * images, self._parameters, "Check its sizes and lengths, or use a smaller image.")
        return True

    @property
    def _parameters(self) -> str:
        sizes = " and data ".join(" x ".join(map(str, shape)) for shape in (self.domain_shape, self.range_shape))
        return f"The operator {type(self).__name__} with an image {sizes}"

    def _apply(self, x: Tensor) -> Tensor:
        raise NotImplementedError

    def _adjoint(self, y: Tensor) -> Tensor:
        raise NotImplementedError

    def _normal(self, x: Tensor) -> Tensor:
        return self._adjoint(self._apply(x))

    def _linear(self, x: Tensor, kind: str) -> Tensor:
        self._check(x, kind)
        self.check_size()
        if self.complex_image and kind != "adjoint" and not x.is_complex():
            x = x.to(x.dtype.to_complex())  # under autograd, so that the gradient is real again
        from .autograd import Linear

        return Linear.apply(x, self, kind)  # type: ignore[return-value]

    def _check(self, x: Tensor, kind: str) -> None:
        side, shape = ("measurement", self.range_shape) if kind == "adjoint" else ("image", self.domain_shape)
        name = type(self).__name__
        if not torch.is_tensor(x):
            raise InputError(
                f"{name} expects the {side} as a torch tensor, got {type(x).__name__}: torch.as_tensor(it)."
            )
        if x.ndim != 2 + len(shape) or tuple(x.shape[2:]) != tuple(shape):
            raise InputError(
                f"{name} expects a {side} of shape [batch, channel, {', '.join(map(str, shape))}], "
                f"got {list(x.shape)}. Reshape the data or change the operator's sizes."
            )
        wanted = self.complex_data if kind == "adjoint" else self.complex_image
        known = FLOATS if wanted is False else FLOATS + COMPLEX if wanted is None or kind != "adjoint" else COMPLEX
        if x.layout != torch.strided:
            raise InputError(f"{name} expects a dense {side}, got one of {x.layout}. Take .to_dense() of it.")
        given = str(x.dtype).removeprefix("torch.")
        if given not in known:
            raise InputError(
                f"{name} expects the {side} in {' or '.join(known)}, got {given}. Convert the {side} first."
            )


class Adjoint:
    """Aᵀ as an object: ``A.T(y)``, with its two shapes and ``.T`` back to A."""

    def __init__(self, operator: Operator):
        self.T = operator
        self.domain_shape = operator.range_shape
        self.range_shape = operator.domain_shape

    def __call__(self, y: Tensor) -> Tensor:
        return self.T._linear(y, "adjoint")
