"""MLPatch networks from checkpoints of the authors' release ("LoFi")."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from napari_mlpatch import networks
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.networks.fourier_filter import PAD, output_channels

LAYER = re.compile(r"(MLP\.(\d+)|mixer_MLP)\.fcs\.(\d+)\.(weight|bias)")
NOT_FITTING = {"MLP_deforms": "its patch deformations (CCPG)", "INR": "its coordinate warp"}


def from_lofi(tensors: Mapping[str, Tensor], *, image_size: int | None = None) -> nn.Module:
    """The network of a released checkpoint with the network 'MultiMLP' and without residual learning.

    ``image_size`` is that of the training, of which the lengths of the patch are shares; it is read from the Fourier
    filter where there is one, else it is 128. On images of that size the output is that of the released module; on
    others the released one shrinks its patch by up to a hundredth, ours does not, and where there is a filter, ours is
    resampled about zero frequency. Raises InputError for other architectures.
    """
    for prefix, what in NOT_FITTING.items():
        if any(key.startswith(prefix) for key in tensors):
            raise InputError(f"The checkpoint has {what}, which in the released code cannot run. It is not imported.")
    if "patch" not in tensors or "patch_scale" not in tensors or "MLP.0.fcs.0.weight" not in tensors:
        raise InputError(
            f"This is no released LoFi checkpoint of the network 'MultiMLP': it has {', '.join(list(tensors)[:4])}..."
        )
    points, scale = tensors["patch"], tensors["patch_scale"]
    if points.ndim < 3 or points.shape[-1] != 2 or points.numel() != math.prod(points.shape[-3:]) or scale.numel() != 1:
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
    config = {
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
    named = {"points": points * ((size - 1) / 2.0), "scale": scale.reshape(())}
    for part, pairs in layers.items():
        for k, (weight, bias) in enumerate(pairs):
            named |= {f"{part}.weights.{k}": weight, f"{part}.biases.{k}": bias}
    if "filter" in tensors:
        named["filter.filter"] = torch.view_as_real(tensors["filter"][0].resolve_conj()).float().contiguous()
    return networks.from_tensors("mlpatch", config, named)


def _image_size(tensors: Mapping[str, Tensor], given: int | None) -> int:
    if given is not None and given < 2:
        raise InputError(f"The images of the training had at least 2 pixels a side, not {given}. Give their size.")
    if "filter" not in tensors:
        return given or 128
    seen = tensors["filter"].shape[-1] - 2 * PAD
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
    weights, biases = [tensors[f"{name}.weight"].T for name in names], [tensors[f"{name}.bias"] for name in names]
    if len({(tuple(w.shape), tuple(b.shape)) for w, b in zip(weights, biases, strict=True)}) > 1:
        raise InputError(
            f"The checkpoint's rays differ in their layers ({names[0]} and others): it cannot be imported."
        )
    return torch.stack(weights).contiguous(), torch.stack(biases)
