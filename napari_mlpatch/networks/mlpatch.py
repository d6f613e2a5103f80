"""MLPatch: each output pixel is a perceptron's view of a small patch around it, sampled at learned positions."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from napari_mlpatch.core.errors import InputError

from .cubic import sampling_matrix
from .fourier_filter import FourierFilter
from .mlpatch_config import MLPatchConfig
from .noise_map import noise_levels
from .patch_geometry import farthest, initial_points, tap_radius
from .patch_sampling import Sampler, around, checked_positions, in_image, in_neighbourhoods
from .perceptron import Perceptrons

CHUNK = {"cpu": 2048, "cuda": 65536}
"""Pixels at a time: on a CPU, few enough that layers stay in the cache."""
WIDEST = 512
"""Of a chunk; higher ones share more of the pixels around them."""


class MLPatch(nn.Module):
    """A local, coordinate-based image-to-image network (Khorashadizadeh et al. 2025, "LoFi").

        f(c) = MLP({ q(c + s p_nm) : n < N, m < M }, sigma)

    q is the image, c a position, p the learned points of the patch and s their learned scale, in pixels. Positions are
    (row, column) with pixel centres at integers; beyond the border the image is reflected. Bicubic interpolation.
    """

    def __init__(self, config: MLPatchConfig | None = None):
        super().__init__()
        self.config = config = config or MLPatchConfig()
        points = initial_points(config.geometry, config.rings, config.rays, config.radius)
        self.points = nn.Parameter(points, requires_grad=config.learned)
        self.scale = nn.Parameter(torch.ones(()), requires_grad=config.learned)
        self.filter = None if config.filter_size is None else FourierFilter(config.channels, config.filter_size)
        sigma, values = config.noise_input, config.read_channels * config.samples
        last = 0.1 if config.residual or config.subtract_mean else 1.0
        sizes = (config.read_channels * config.rings, *config.ray_widths, config.ray_features)
        multiple = config.head == "multimlp"
        self.rays = Perceptrons(config.rays, sizes, sigma_input=sigma) if multiple else None
        inputs = config.rays * config.ray_features if multiple else values
        self.mixer = Perceptrons(
            1, (inputs, *config.widths, config.outputs), sigma_input=sigma and not multiple, last=last
        )
        moves = (values, config.deformation_width, 2 * config.samples)
        self.deformations = nn.ModuleList(
            Perceptrons(1, moves, sigma_input=sigma, last=0.0) for _ in range(config.deformations)
        )
        width = config.warp_width
        self.warp = Perceptrons(1, (2, width, width, 2), last=0.0) if width else None

    def forward(
        self, x: Tensor, sigma: float | Tensor | None = None, *, chunk: int | None = None, dtype: Any = None
    ) -> Tensor:
        """The whole pixel grid: ``x: [B, C, H, W]`` -> ``[B, outputs, H, W]``.

        ``sigma`` is the standard deviation of the noise in the units of x, a number or ``[B]``; networks without noise
        input ignore it. x is float32 or float64, and so is the result. Works through ``chunk`` pixels at a time, the
        perceptrons in ``dtype`` (that of x by default). Raises InputError for images smaller than the patch, of other
        channels or types, and without the sigma that is needed, or a bad one.
        """
        sigmas = self.check(x, sigma)
        height, width = x.shape[-2:]
        if self.warp is not None:
            grid = torch.cartesian_prod(*(torch.arange(n, device=x.device, dtype=x.dtype) for n in (height, width)))
            return self._at(x, grid[None], sigmas, chunk, dtype).unflatten(1, (height, width)).permute(0, 3, 1, 2)
        q, radius = self.prepare(x), self._radius()
        n, chunk = 2 * radius + 1, _chunk(chunk, x)
        across = min(width, chunk, WIDEST)
        down = max(1, chunk // across)
        out = x.new_empty(len(x), self.config.outputs, height, width)
        for top in range(0, height, down):
            rows = around(top, min(top + down, height), radius, height, x.device)
            for left in range(0, width, across):
                columns = around(left, min(left + across, width), radius, width, x.device)
                for b in range(len(x)):
                    tile = q[b][:, rows][:, :, columns]
                    u = tile.unfold(1, n, 1).unfold(2, n, 1).permute(1, 2, 0, 3, 4)
                    here = None if sigmas is None else sigmas[b]
                    found = self.from_neighbourhoods(u.reshape(-1, *u.shape[2:]), here, dtype=dtype)
                    out[b, :, top : top + down, left : left + across] = found.T.unflatten(1, u.shape[:2])
        return out

    def at(
        self,
        x: Tensor,
        coords: Tensor,
        sigma: float | Tensor | None = None,
        *,
        chunk: int | None = None,
        dtype: Any = None,
    ) -> Tensor:
        """Any positions: ``coords: [P, 2]`` or ``[B, P, 2]``, (row, column) in pixels -> ``[B, P, outputs]``.

        Raises InputError like ``forward``, and for positions beyond the outer edges of the border pixels.
        """
        return self._at(x, checked_positions(coords, x), self.check(x, sigma), chunk, dtype)

    def prepare(self, x: Tensor) -> Tensor:
        """What the samples are taken from: the image, or the image after the learned filter, ``[B, C', H, W]``."""
        return x if self.filter is None else self.filter(x)

    def from_neighbourhoods(self, u: Tensor, sigma: Tensor | None, *, dtype: Any = None) -> Tensor:
        """``u: [L, C', n, n]``, the pixels around L positions (on the pixel grid) -> ``[L, outputs]``.

        n is odd and at least ``2 receptive_field() + 1``. ``sigma`` is one number or ``[L]``.
        """
        radius = u.shape[-1] // 2
        centre = u[:, -self.config.channels :, radius, radius][:, : self.config.outputs]
        if not len(self.deformations) and self._folding_pays(u.shape[-1] ** 2):
            matrix = sampling_matrix(self.offsets().to(u.dtype), radius)
            return self._folded(u.flatten(2), matrix, centre, sigma, dtype)
        return self._head(self._values(in_neighbourhoods(u, radius), sigma)[0], centre, sigma, dtype)

    def offsets(self) -> Tensor:
        """The points of the patch that all pixels share, ``[K, 2]`` in pixels from the centre, K = N M."""
        return (self.scale * self.points).flatten(0, 1)

    def receptive_field(self) -> float:
        """An output pixel depends on the input pixels at most so many rows and columns away; infinite with a learned
        Fourier filter or a coordinate warp."""
        return math.inf if self.filter is not None or self.warp is not None else self._radius()

    @torch.no_grad()
    def patch_points(self, coords: Tensor, image: Tensor | None = None, sigma: float | Tensor | None = None) -> Tensor:
        """Where the patches of these positions are sampled: ``[B, P, N, M, 2]`` in pixels, B = 1 without image.

        ``coords`` are ``[P, 2]`` or ``[B, P, 2]``. The image is needed where the network moves the samples by it.
        """
        form = (self.config.rings, self.config.rays)
        if image is None:
            if len(self.deformations) or self.warp is not None:
                raise InputError("This network moves its samples by what it sees: give the image, too.")
            if coords.ndim not in (2, 3) or coords.shape[-1] != 2:
                raise InputError(
                    f"Positions are [P, 2] or [B, P, 2], (row, column) in pixels, got {list(coords.shape)}."
                )
            coords = coords if coords.ndim == 3 else coords[None]
            return coords[:, :, None, None] + self.offsets().unflatten(0, form)
        sigmas = self.check(image, sigma)
        coords = checked_positions(coords, image)
        q = self.prepare(image)
        found = []
        for b in range(len(image)):
            there = self._warped(coords[b % len(coords)], image)
            here = None if sigmas is None else sigmas[b]
            offsets = self._values(in_image(q[b], there), here)[1]
            found.append((there[:, None] + offsets).unflatten(1, form))
        return torch.stack(found)

    def chunk_for(self, memory_bytes: int) -> int:
        """How many pixels fit at once into so much memory, beside the images themselves."""
        config = self.config
        n = (2 * self._radius() + 1) ** 2
        values = config.read_channels * (n + 3 * config.samples)
        rays = config.rays * (max(config.ray_widths, default=0) + 2 * config.ray_features) if self.rays else 0
        floats = values + rays + 2 * max((*config.ray_widths, *config.widths), default=1)
        if config.deformations:
            floats += 8 * config.samples + 2 * config.deformation_width
        return max(1, int(memory_bytes) // (4 * floats))

    def _radius(self) -> int:
        far = farthest(self.offsets()) + (self.config.max_offset if len(self.deformations) else 0.0)
        if not math.isfinite(far):
            raise InputError("The points of the patch are not finite: damaged weights, or too large a learning rate.")
        return tap_radius(far)

    def _at(self, x: Tensor, coords: Tensor, sigmas: Tensor | None, chunk: int | None, dtype: Any) -> Tensor:
        q = self.prepare(x)
        out = []
        for b in range(len(x)):
            sigma = None if sigmas is None else sigmas[b]
            for part in coords[b % len(coords)].split(_chunk(chunk, x)):
                sample = in_image(q[b], self._warped(part, x))
                centre = sample(part.new_zeros(1, 2))[:, -self.config.channels :, 0][:, : self.config.outputs]
                out.append(self._head(self._values(sample, sigma)[0], centre, sigma, dtype))
        return torch.cat(out).to(x.dtype).unflatten(0, (len(x), -1))

    def _warped(self, coords: Tensor, x: Tensor) -> Tensor:
        """The positions ``[P, 2]`` after the coordinate warp, which knows them as -1..1."""
        if self.warp is None:
            return coords
        half = coords.new_tensor([max(n - 1, 1) / 2 for n in x.shape[-2:]])
        return coords + half * self.warp((coords / half - 1)[None], None)[0]

    def _values(self, sample: Sampler, sigma: Tensor | None) -> tuple[Tensor, Tensor]:
        """What is read, ``[L, C', K]``, and at which offsets, ``[K, 2]`` or, where pixels differ, ``[L, K, 2]``."""
        shared = offsets = self.offsets()
        values = sample(offsets)
        move: Any = 0.0
        for block in self.deformations:
            seen = self._without_mean(values)[0].flatten(1)
            move = move + block(seen[None], sigma)[0].unflatten(-1, (-1, 2))
            offsets = shared + self.config.max_offset * torch.tanh(move.to(shared.dtype))
            values = sample(offsets)
        return values, offsets

    def _without_mean(self, values: Tensor) -> tuple[Tensor, Tensor | None]:
        if not self.config.subtract_mean:
            return values, None
        mean = values.mean(-1, keepdim=True)
        return values - mean, mean[:, : self.config.outputs, 0]

    def _head(self, values: Tensor, centre: Tensor, sigma: Tensor | None, dtype: Any) -> Tensor:
        values, mean = self._without_mean(values)
        values = values if dtype is None else values.to(dtype)
        if self.rays is None:
            inputs = values.flatten(1)[None]
        else:
            by_ray = values.unflatten(-1, (self.config.rings, self.config.rays)).permute(3, 0, 1, 2)
            inputs = self.rays(by_ray.flatten(2), sigma).permute(1, 0, 2).flatten(1)[None]
        return self._finished(self.mixer(inputs, sigma)[0], centre, mean)

    def _finished(self, out: Tensor, centre: Tensor, mean: Tensor | None) -> Tensor:
        out = out.to(centre.dtype)
        if self.config.residual:
            return centre - out
        return out if mean is None else mean + out

    def _folding_pays(self, taps: int) -> bool:
        """Whether sampling is better multiplied into the first layer: only for one perceptron, without gradients."""
        if self.rays is not None or torch.is_grad_enabled():
            return False
        first = self.mixer.weights[0].shape[-1]
        return taps * first < self.config.samples * (taps + first)

    def _folded(self, u: Tensor, matrix: Tensor, centre: Tensor, sigma: Tensor | None, dtype: Any) -> Tensor:
        mean = None
        if self.config.subtract_mean:
            average = matrix.mean(-1)
            matrix = matrix - average[:, None]
            mean = None if self.config.residual else u[:, : self.config.outputs] @ average
        fold = torch.block_diag(*[matrix] * self.config.read_channels)[None]
        u = u.flatten(1) if dtype is None else u.flatten(1).to(dtype)
        return self._finished(self.mixer(u[None], sigma, fold)[0], centre, mean)

    def check(self, x: Tensor, sigma: float | Tensor | None) -> Tensor | None:
        """The noise levels ``[B]``, None where they are no input. Raises InputError for what ``forward`` refuses."""
        if x.ndim != 4 or x.shape[1] != self.config.channels:
            raise InputError(
                f"This network takes images [batch, {self.config.channels}, rows, columns], got {list(x.shape)}."
            )
        if x.dtype not in (torch.float32, torch.float64):
            raise InputError(
                f"This network takes images of float32 or float64, got {x.dtype}. Convert them: x.float()."
            )
        reach, (rows, columns) = self._radius(), x.shape[-2:]
        if min(rows, columns) <= reach:
            raise InputError(
                f"The image has {rows} x {columns} pixels, but the patch reaches {reach} pixels from its centre. "
                f"Use an image of at least {reach + 1} x {reach + 1} pixels."
            )
        if not self.config.noise_input:
            return None
        if sigma is None:
            raise InputError(
                "This network needs the standard deviation of the noise, sigma, in the units of the image."
            )
        return noise_levels(sigma, x)


def _chunk(given: int | None, x: Tensor) -> int:
    if given is not None and given < 1:
        raise InputError(f"At least one pixel at a time must be computed: chunk is {given}.")
    return given or CHUNK.get(x.device.type, 2048)
