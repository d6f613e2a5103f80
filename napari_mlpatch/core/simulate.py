"""Making a problem with known truth from an image."""

from __future__ import annotations

from typing import Any

from napari_mlpatch.torch_later import Tensor, torch

from .arguments import as_tensor, instance, seed_of
from .errors import InputError
from .operator import Operator
from .problem import Problem, sha256


def simulate(x: Tensor, A: Any, noise: Any = None, *, seed: int = 0, source: dict[str, Any] | None = None) -> Problem:
    """A problem with known truth: ``y = A x`` plus noise. ``x`` is ``[B, C, *A.domain_shape]`` or one image.

    ``source`` says where the image came from, in plain JSON.
    """
    instance(A, Operator, "The operator")
    seed = seed_of(seed)
    if noise is not None and not all(callable(getattr(noise, part, None)) for part in ("__call__", "level")):
        raise InputError(f"The noise must be a noise model such as mp.noise.Gaussian(), got {type(noise).__name__}.")
    if source is not None and not isinstance(source, dict):
        raise InputError(f"The source of an image is a dictionary, got {type(source).__name__}.")
    A.check_size()
    image = as_tensor(x, "The image").detach()
    if not (image.is_floating_point() or image.is_complex()):
        image = image.to(torch.float32)
    while image.ndim < 2 + len(A.domain_shape):
        image = image[None]
    y = A(image)
    # What was not measured carries no noise, and does not count where the noise is relative to the data.
    where = None if A.sampled is None else A.sampled.to(y.device).expand(A.range_shape)
    clean = y if where is None else y[..., where]
    noisy = clean if noise is None else noise(clean, seed)
    if where is not None:
        noisy = y.masked_scatter(where, noisy)
    image_source = {"image": source or {"kind": "memory"}, "image_sha256": sha256(image)}
    return Problem(
        A,
        noisy,
        noise=noise,
        truth=image,
        noise_std=0.0 if noise is None else noise.level(clean),
        source={"kind": "simulated", **image_source, "seed": seed},
    )
