"""MLPatch networks from checkpoints of the authors' release ("LoFi")."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from napari_mlpatch import networks
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.networks.fourier_filter import PAD, output_channels
from napari_mlpatch.networks.patch_geometry import initial_points

LAYER = re.compile(r"(MLP\.(\d+)|mixer_MLP)\.fcs\.(\d+)\.(weight|bias)")
NEAR = 0.5
"""Root mean square move, as a share of the radius, up to which a start is recognised; the two starts are 1.24 apart."""
NOT_FITTING = {"MLP_deforms": "its patch deformations (CCPG)", "INR": "its coordinate warp"}


def from_lofi(tensors: Mapping[str, Tensor], *, image_size: int | None = None) -> nn.Module:
    """The network of a released checkpoint with the network 'MultiMLP' and without residual learning.

    ``image_size`` is that of the training, of which the lengths of the patch are shares; it is read from the Fourier
    filter where there is one, else it is 128. On images of that size the output is that of the released module; on
    others the released one shrinks its patch by up to a hundredth, ours does not, and where there is a filter, ours is
    resampled about zero frequency. The start of the patch is not in the checkpoint: it is the release's round or square
    one where the points are near it, else "random", unknown. Raises InputError for other architectures.
    """
    for prefix, what in NOT_FITTING.items():
        if any(key.startswith(prefix) for key in tensors):
            raise InputError(f"The checkpoint has {what}, which in the released code cannot run. It is not imported.")
    needed = ("patch", "patch_scale", "MLP.0.fcs.0.weight")
    if any(name not in tensors for name in needed) or not all(isinstance(v, Tensor) for v in tensors.values()):
        raise InputError(
            f"This is no released LoFi checkpoint of the network 'MultiMLP': it has {', '.join(list(tensors)[:4])}..."
        )
    points, scale = tensors["patch"], tensors["patch_scale"]
    one_patch = points.ndim >= 3 and points.shape[-1] == 2 and points.numel() == math.prod(points.shape[-3:]) > 0
    if not one_patch or scale.numel() != 1:
        seen = f"a patch of shape {list(points.shape)} and a scale of shape {list(scale.shape)}"
        raise InputError(f"The checkpoint has {seen}; [rings, rays, 2] and one number were expected. It is damaged.")
    points = points.reshape(*points.shape[-3:])
    rings, rays, _ = points.shape
    size = _image_size(tensors, image_size)
    first, layers = tensors["MLP.0.fcs.0.weight"], _layers(tensors, rays)
    read = first.shape[1] // rings
    channels = read if "filter" not in tensors else next((c for c in (1, 2, 3) if output_channels(c) == read), 0)
    outputs = layers["mixer"][-1][1].shape[-1]
    if channels not in (1, 2, 3) or first.shape[1] % rings:
        raise InputError(
            f"The checkpoint reads {first.shape[1]} values on a ray of {rings} samples: not 1 to 3 channels."
        )
    points = points * ((size - 1) / 2.0)
    config = {
        **_start(points, size),
        "channels": channels,
        "out_channels": outputs,
        "rings": rings,
        "rays": rays,
        "ray_widths": [bias.shape[-1] for _, bias in layers["rays"][:-1]],
        "ray_features": layers["rays"][-1][1].shape[-1],
        "widths": [bias.shape[-1] for _, bias in layers["mixer"][:-1]],
        "noise_input": False,
        "filter_size": size if "filter" in tensors else None,
    }
    named = {"points": points, "scale": scale.reshape(())}
    for part, pairs in layers.items():
        for k, (weight, bias) in enumerate(pairs):
            named |= {f"{part}.weights.{k}": weight, f"{part}.biases.{k}": bias}
    if "filter" in tensors:
        named["filter.filter"] = torch.view_as_real(tensors["filter"][0].resolve_conj()).float().contiguous()
    return networks.from_tensors("mlpatch", config, named)


def _start(points: Tensor, size: int) -> dict[str, Any]:
    """Geometry and radius at the start of the training, from the points ``[N, M, 2]`` in pixels at its end.

    The release has rings 1 / (2 size) of half the image's side apart, or N x N points twice as far.
    """
    rings, rays, _ = points.shape
    radius = (max(rings, 2) - 1) / 4 * (size - 1) / size
    for geometry in ("round", "square"):
        moved = (points - initial_points(geometry, rings, rays, radius)).square().sum(-1).mean().sqrt()
        if float(moved) < NEAR * radius:
            return {"geometry": geometry, "radius": radius}
    return {"geometry": "random"}


def _image_size(tensors: Mapping[str, Tensor], given: int | None) -> int:
    if given is not None and given < 2:
        raise InputError(f"The images of the training had at least 2 pixels a side, not {given}. Give their size.")
    if "filter" not in tensors:
        return given or 128
    values = tensors["filter"]
    if values.ndim != 4 or not len(values) or not values.is_complex():
        raise InputError(
            f"The checkpoint's filter is {values.dtype} of shape {list(values.shape)}; complex numbers "
            "[1, channels, rows, columns] were expected. It is damaged."
        )
    seen = values.shape[-1] - 2 * PAD
    if given not in (None, seen):
        raise InputError(f"The checkpoint's filter is for images of {seen} pixels, not {given}.")
    return seen


def _layers(tensors: Mapping[str, Tensor], rays: int) -> dict[str, list[tuple[Tensor, Tensor]]]:
    """Weights ``[count, in, out]`` and biases ``[count, out]`` of the rays' perceptrons and of the mixer."""
    depth = 1 + max(int(m[3]) for key in tensors if (m := LAYER.fullmatch(key)) and m[2] == "0")
    mixed = 1 + max((int(m[3]) for key in tensors if (m := LAYER.fullmatch(key)) and m[2] is None), default=-1)
    if not mixed:
        raise InputError("The checkpoint lacks mixer_MLP: it is incomplete, or of another architecture.")
    try:
        return {
            "rays": [_stacked(tensors, [f"MLP.{m}.fcs.{k}" for m in range(rays)]) for k in range(depth)],
            "mixer": [_stacked(tensors, [f"mixer_MLP.fcs.{k}"]) for k in range(mixed)],
        }
    except KeyError as error:
        raise InputError(f"The checkpoint lacks {error}: it is incomplete, or of another architecture.") from None


def _stacked(tensors: Mapping[str, Tensor], names: list[str]) -> tuple[Tensor, Tensor]:
    weights, biases = [tensors[f"{name}.weight"] for name in names], [tensors[f"{name}.bias"] for name in names]
    for name, weight, bias in zip(names, weights, biases, strict=True):
        if weight.ndim != 2 or bias.ndim != 1:
            seen = f"weights of shape {list(weight.shape)} and biases of shape {list(bias.shape)}"
            raise InputError(f"The checkpoint's {name} has {seen}; a matrix and a vector were expected. It is damaged.")
    if len({(tuple(w.shape), tuple(b.shape)) for w, b in zip(weights, biases, strict=True)}) > 1:
        raise InputError(
            f"The checkpoint's rays differ in their layers ({names[0]} and others): it cannot be imported."
        )
    return torch.stack(weights).mT.contiguous(), torch.stack(biases)
