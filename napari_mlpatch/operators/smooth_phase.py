"""The smooth phase of one coil's picture, found together with the picture: its k-space is redundant then."""

from __future__ import annotations

import numpy as np

from napari_mlpatch.torch_later import Tensor, torch

COARSE = 128  # samples of a side of the middle of k-space in which the phase is looked for first
WIDTH = 1 / 16  # of k-space, standard deviation of the window that keeps what the phase is started from
STEPS = 15  # of conjugate gradients for each linear problem
OUTER = 10  # linear problems
STRIDE = 0.5  # largest change of the phase at once
SETTLED = 2e-3  # change of the phase, below which it is found


class SmoothPhase:
    """A polynomial phase of the picture of k-space ``y`` [rows, columns], zero where ``mask`` is.

    Least squares ``min |m F (p exp(i phi)) - y|²`` over a real picture p and the coefficients of phi in products of
    Legendre polynomials, by Gauss-Newton steps, each a joint linear problem for both that conjugate gradients solve in
    part. ``raised`` goes to a higher total degree from where it stands. The phase is of a real picture of either sign:
    it is determined up to pi.
    """

    def __init__(self, y: Tensor, mask: np.ndarray):
        self._y, self._mask = y, mask
        self._given: Tensor | None = None

    def raised(self, degree: int) -> Tensor:
        """``exp(i phi)`` [rows, columns] of that total degree."""
        middle = tuple(slice(max(n // 2 - COARSE // 2, 0), n // 2 + COARSE // 2) for n in self._mask.shape)
        y, mask = self._y[middle], self._mask[middle]
        if self._given is None:
            theta = _first(y, [WIDTH * n for n in self._mask.shape], degree)
        else:
            theta = self._given.new_zeros(degree + 1, degree + 1)
            theta[: len(self._given), : len(self._given)] = self._given
        theta = _fitted(y, mask, theta)
        if mask.shape != self._mask.shape:
            theta = _fitted(self._y, self._mask, theta)
        self._given = theta
        rows, columns = _polynomials(self._mask.shape, degree, self._y)
        phase = rows.T @ theta.to(rows) @ columns
        return torch.polar(torch.ones_like(phase), phase)


def _polynomials(shape: tuple[int, ...] | list[int], degree: int, like: Tensor) -> list[Tensor]:
    """Of unit mean square over each axis, ``[degree + 1, n]``, of the place ``2 (i - n // 2) / n``."""
    found = []
    for n in shape:
        place = 2.0 * (np.arange(n) - n // 2) / n
        values = np.polynomial.legendre.legvander(place, degree).T * np.sqrt(2.0 * np.arange(degree + 1) + 1.0)[:, None]
        found.append(torch.from_numpy(values).to(like.device, like.dtype.to_real()))
    return found


def _allowed(degree: int, like: Tensor) -> Tensor:
    p = torch.arange(degree + 1, device=like.device)
    return (p[:, None] + p <= degree).to(like)


def _first(y: Tensor, widths: list[float], degree: int) -> Tensor:
    """From differences of the phase of the picture without detail, each of the weight of the picture's energy there.

    Of its square, as its sign is no phase.
    """
    lines = [torch.arange(n, device=y.device) - n // 2 for n in y.shape]
    window = [torch.exp(-0.5 * (k / width) ** 2) for k, width in zip(lines, widths, strict=True)]
    s = _centred(torch.fft.ifft2, y * (window[0][:, None] * window[1]).to(y.dtype))
    s = s * s.sgn()
    rows, columns = (b.double() for b in _polynomials(y.shape, degree, y))
    allowed = _allowed(degree, rows).bool()
    allowed[0, 0] = False
    size = int(allowed.sum())
    matrix, right = rows.new_zeros(size, size), rows.new_zeros(size)
    for axis in (0, 1):
        pair = s.narrow(axis, 1, s.shape[axis] - 1) * s.narrow(axis, 0, s.shape[axis] - 1).conj()
        weight, change = pair.abs().double(), 0.5 * pair.angle().double()
        r, c = (rows.diff(dim=1), columns) if axis == 0 else (rows, columns.diff(dim=1))
        design = torch.einsum("pr,qc->pqrc", r, c)[allowed].flatten(1)
        matrix = matrix + (design * weight.flatten()) @ design.T
        right = right + design @ (weight * change).flatten()
    ridge = (1e-3 * matrix.diagonal().mean()).clamp(min=1e-300) * torch.eye(len(matrix), out=torch.empty_like(matrix))
    theta = torch.zeros(degree + 1, degree + 1, dtype=torch.float64, device=y.device)
    theta[allowed] = torch.linalg.solve(matrix + ridge, right)
    phase = rows.T @ theta @ columns
    theta[0, 0] = 0.5 * (s * torch.polar(torch.ones_like(phase), -2.0 * phase).to(s.dtype)).sum().angle()
    return theta


def _centred(transform, v: Tensor) -> Tensor:
    return torch.fft.fftshift(transform(torch.fft.ifftshift(v), norm="ortho"))


def _fitted(y: Tensor, mask: np.ndarray, theta: Tensor) -> Tensor:
    """The coefficients after Gauss-Newton steps on data y; origins are at the corner here."""
    degree = len(theta) - 1
    y, measured = torch.fft.ifftshift(y), torch.from_numpy(np.fft.ifftshift(mask)).to(y.device)
    rows, columns = (torch.fft.ifftshift(b, dim=-1) for b in _polynomials(mask.shape, degree, y))
    allowed, theta = _allowed(degree, rows), theta.to(rows)
    p, scale = torch.zeros_like(y.real), 0.0

    def step(p: Tensor, turn: Tensor, scale: float, steps: int) -> tuple[Tensor, Tensor]:
        """The change of picture and coefficients of the problem that is linear about p and turn."""

        def forth(dp: Tensor, dt: Tensor) -> Tensor:
            x = torch.complex(dp, p * (rows.T @ (scale * dt) @ columns)) * turn
            return torch.fft.fft2(x, norm="ortho") * measured

        def back(r: Tensor) -> tuple[Tensor, Tensor]:
            x = torch.fft.ifft2(r, norm="ortho") * turn.conj()
            return x.real, scale * allowed * (rows @ (p * x.imag) @ columns.T)

        dp, dt = _solved(forth, back, y - torch.fft.fft2(p * turn, norm="ortho") * measured, (p, theta), steps)
        return dp, scale * dt

    for k in range(OUTER):
        phase = rows.T @ theta @ columns
        dp, dt = step(p, torch.polar(torch.ones_like(phase), phase), scale, 2 * STEPS if k == 0 else STEPS)
        largest = float((rows.T @ dt @ columns).abs().max())
        p, theta = p + dp, theta + dt * min(1.0, STRIDE / max(largest, 1e-30))
        if k > 0 and largest < SETTLED:
            break
        scale = 1.0 / max(float(torch.linalg.vector_norm(p)), 1e-30)  # coefficients then weigh as much as pixels
    return theta.double()


def _solved(forth, back, r: Tensor, like: tuple[Tensor, Tensor], steps: int) -> tuple[Tensor, Tensor]:
    """Conjugate gradients for both unknowns, from zero."""
    x = [torch.zeros_like(v) for v in like]
    s = back(r)
    d = list(s)
    first = size = sum(float(v.double().square().sum()) for v in s)
    for _ in range(steps):
        q = forth(*d)
        length = float(q.abs().double().square().sum())
        if not (size > 1e-12 * first and length > 0):
            break
        step = size / length
        x = [u + step * v for u, v in zip(x, d, strict=True)]
        r = r - step * q
        s = back(r)
        size, old = sum(float(v.double().square().sum()) for v in s), size
        d = [u + (size / old) * v for u, v in zip(s, d, strict=True)]
    return x[0], x[1]
