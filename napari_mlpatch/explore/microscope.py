"""What an MLPatch network looks at: the samples of one pixel's patch, and maps of their deformation.

>>> network = open_network(mp.weights.find("mlpatch-gray-small"))
>>> patch = look(network, image, row=100, column=80, sigma=0.1)
>>> patch.points            # [N, M, 2], where the patch is sampled, in pixels
>>> overview(network, image, sigma=0.1)["reach"]
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from napari_mlpatch import networks
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.files import path_of, reason_of, replace_bytes
from napari_mlpatch.networks.mlpatch import MLPatch
from napari_mlpatch.networks.patch_geometry import initial_points
from napari_mlpatch.torch_later import F, Tensor, torch

ROWS_AT_ONCE = 8
HEADINGS = (
    *("patch", "row", "column", "ring", "ray", "initial_row", "initial_column"),
    *("sample_row", "sample_column", "value_before", "value_after", "seen", "output"),
)


@dataclass(frozen=True, eq=False)
class Patch:
    """The patch of one pixel. Points are ``[N, M, 2]``, (row, column) in pixels of the image; values ``[N, M]``.

    ``initial`` is where training started (with a random geometry that is not known, and the same as ``points``),
    ``points`` where the network reads now, ``before`` and ``after`` are the image's values there; a network with a
    Fourier filter reads the filtered image at these points, too. ``seen`` is the pixel's value in the image,
    ``output`` what the network makes of it.
    """

    row: float
    column: float
    initial: np.ndarray
    points: np.ndarray
    before: np.ndarray
    after: np.ndarray
    seen: float
    output: float

    @property
    def moved(self) -> np.ndarray:
        """How far each sample has moved, ``[N, M]`` in pixels."""
        return np.linalg.norm(self.points - self.initial, axis=-1)

    @property
    def shape(self) -> dict[str, float]:
        """Mean radius in pixels, anisotropy (ratio of the principal axes) and orientation in degrees."""
        radius, anisotropy, orientation = _form(torch.from_numpy(self.points - [self.row, self.column]).flatten(0, 1))
        return {
            "radius": float(radius),
            "anisotropy": float(anisotropy),
            "orientation": float(np.degrees(float(orientation))),
        }


def open_network(weights: Any) -> MLPatch:
    """The network of trained weights. Raises InputError where it is no MLPatch network of one channel."""
    made = weights.card.architecture
    if made.name != "mlpatch":
        raise InputError(f"The weights {weights.card.name!r} are a {made.name}: only MLPatch networks read patches.")
    network = networks.opened(weights)
    assert isinstance(network, MLPatch)
    if network.config.channels != 1:
        raise InputError(f"The weights {weights.card.name!r} are for {network.config.channels} channels, not for one.")
    return network


@torch.no_grad()
def look(network: MLPatch, image: np.ndarray, row: float, column: float, sigma: float) -> Patch:
    """The patch at one position of an image ``[rows, columns]`` whose noise has the standard deviation ``sigma``.

    Values are in the units that the network was trained in. Raises InputError for positions outside the image.
    """
    x = _tensor(image)
    at = torch.tensor([[row, column]], dtype=x.dtype)
    output = float(network.at(x, at, sigma))
    points = network.patch_points(at, x, sigma)[0, 0]
    config = network.config
    start = initial_points(config.geometry, config.rings, config.rays, config.radius)
    initial = start + at[0] if config.geometry != "random" else points
    seen = _sampled(x, at)
    return Patch(
        row=row,
        column=column,
        initial=initial.double().numpy(),
        points=points.double().numpy(),
        before=_sampled(x, initial.flatten(0, 1)).unflatten(0, points.shape[:2]).numpy(),
        after=_sampled(x, points.flatten(0, 1)).unflatten(0, points.shape[:2]).numpy(),
        seen=float(seen),
        output=output,
    )


def overview(network: MLPatch, image: np.ndarray, sigma: float) -> dict[str, np.ndarray]:
    """Maps ``[rows, columns]`` of what every pixel's patch is like.

    ``radius``, ``anisotropy`` and ``orientation`` (degrees) of the deformed samples; ``sensitivity``, how much the
    output follows its own pixel (the derivative); ``reach``, the root mean square distance in pixels at which other
    pixels matter, weighted with the squared derivative: the true receptive field.
    """
    parts = list(overview_rows(network, image, sigma))
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def overview_rows(network: MLPatch, image: np.ndarray, sigma: float) -> Iterator[dict[str, np.ndarray]]:
    """The same, some rows at a time, so that a caller can show progress or stop."""
    x = _tensor(image)
    rows, columns = x.shape[-2:]
    if network.filter is not None or network.warp is not None:
        raise InputError(
            "This network looks at the whole image (Fourier filter or coordinate warp): it has no patches."
        )
    network.check(x, sigma)
    radius = int(network.receptive_field())
    n = 2 * radius + 1
    padded = F.pad(x, (radius,) * 4, mode="reflect")
    distance = torch.cartesian_prod(*[torch.arange(-radius, radius + 1.0)] * 2).square().sum(-1)
    for top in range(0, rows, ROWS_AT_ONCE):
        count = min(ROWS_AT_ONCE, rows - top)
        strip = padded[..., top : top + count + 2 * radius, :]
        u = F.unfold(strip, n)[0].T.reshape(-1, 1, n, n).contiguous().requires_grad_()
        with torch.enable_grad():
            level = torch.tensor(float(sigma)) if network.config.noise_input else None
            (slope,) = torch.autograd.grad(network.from_neighbourhoods(u, level).sum(), u)
        power = slope.flatten(1).square()
        at = torch.cartesian_prod(torch.arange(top, top + count), torch.arange(columns)).to(x.dtype)
        offsets = network.patch_points(at, x, sigma)[0].flatten(1, 2) - at[:, None]
        size, anisotropy, orientation = _form(offsets)
        maps = {
            "radius": size,
            "anisotropy": anisotropy,
            "orientation": torch.rad2deg(orientation),
            "sensitivity": slope[:, 0, radius, radius],
            "reach": ((power * distance).sum(1) / power.sum(1).clamp(min=1e-30)).sqrt(),
        }
        yield {name: value.reshape(count, columns).numpy().astype(np.float32) for name, value in maps.items()}


def write_csv(path: str | os.PathLike[str], patches: list[Patch]) -> None:
    """One line for each sample of each patch. Raises InputError where the file cannot be written."""
    file = io.StringIO(newline="")
    table = csv.writer(file)
    table.writerow(HEADINGS)
    for k, patch in enumerate(patches):
        for ring, ray in np.ndindex(*patch.after.shape):
            where = [*patch.initial[ring, ray], *patch.points[ring, ray]]
            values = [patch.before[ring, ray], patch.after[ring, ray], patch.seen, patch.output]
            numbers = [f"{v:.6g}" for v in [*where, *values]]
            table.writerow([k, patch.row, patch.column, ring, ray, *numbers])
    try:
        replace_bytes(path_of(path, "The table"), file.getvalue().encode())
    except OSError as error:
        raise InputError(f"{path} cannot be written: {reason_of(error)}.") from None


def _tensor(image: np.ndarray) -> Tensor:
    array = np.asarray(image)
    if array.ndim != 2 or np.iscomplexobj(array):
        raise InputError(f"A real image [rows, columns] is needed, got {array.dtype} of shape {list(array.shape)}.")
    return torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32))[None, None]


def _sampled(x: Tensor, points: Tensor) -> Tensor:
    """Cubic interpolation as the network does it, ``[K, 2] -> [K]``."""
    half = points.new_tensor([max(n - 1, 1) / 2 for n in x.shape[-2:]])
    grid = (points / half - 1).flip(-1)[None, None]
    return F.grid_sample(x, grid, mode="bicubic", padding_mode="reflection", align_corners=True).flatten()


def _form(offsets: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Mean radius, anisotropy and orientation (radians from the row axis) of offsets ``[..., K, 2]``."""
    radius = offsets.norm(dim=-1).mean(-1)
    centred = offsets - offsets.mean(-2, keepdim=True)
    moments = centred.mT @ centred / offsets.shape[-2]
    a, b, d = moments[..., 0, 0], moments[..., 0, 1], moments[..., 1, 1]
    middle, spread = (a + d) / 2, torch.hypot((a - d) / 2, b)
    anisotropy = ((middle + spread) / (middle - spread).clamp(min=1e-12)).sqrt()
    return radius, anisotropy, 0.5 * torch.atan2(2 * b, a - d)
