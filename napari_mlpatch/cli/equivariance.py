"""Does a denoiser do the same to a picture that is shifted, turned or mirrored? Of any architecture.

  mlpatch equivariance --weights mlpatch-gray-small
  mlpatch equivariance x.tif --weights mlpatch-gray-small --sigma 0.05 --json

Compares f(T x) with T f(x), for pixels that do not depend on the border: the difference relative to the root mean
square of f(x). Rounding leaves about 1e-6. Shifts by parts of a pixel are done in Fourier space.
"""

from __future__ import annotations

import argparse

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.torch_later import torch

from .output import print_json, say, shape, table
from .pictures import noise_level, opened, span

SIGMA = 0.1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    sample = "sample:camera with noise"
    add("image", nargs="?", metavar="IMAGE|sample:NAME", help=f"a picture: .tif, .npy, .h5, .png... ({sample})")
    add("--weights", required=True, metavar="NAME", help="of a denoiser: a name, or a .safetensors file")
    add("--sigma", type=float, default=SIGMA, metavar="S", help=f"noise as a share of the picture's range ({SIGMA})")
    add("--range", metavar="LOW,HIGH", help="values that are 0 and 1 to the network (0.5th and 99.5th percentile)")
    add("--size", type=int, default=192, metavar="N", help="look at the central N x N pixels at most (192)")
    add("--json", action="store_true", help="one JSON document on standard output")


def run(args: argparse.Namespace) -> int:
    from napari_mlpatch import networks, weights
    from napari_mlpatch.explore.equivariance import deviations

    if args.size < 32:
        raise InputError(f"--size must be at least 32, got {args.size}.")
    found = weights.find(args.weights)
    if found.card.method != "denoiser":
        raise InputError(f"The weights {found.card.name!r} are for the method {found.card.method!r}, no denoiser.")
    image, _ = opened(args.image or "sample:camera")
    low, high = span(image, args.range)
    sigma = noise_level(image, args.sigma, high - low)
    top, left = ((n - min(n, args.size)) // 2 for n in image.shape)
    x = (image[top : top + args.size, left : left + args.size] - low) / (high - low)
    if args.image is None:
        x = x + sigma * torch.randn(x.shape, generator=torch.Generator().manual_seed(0)).numpy()
    results = list(deviations(networks.opened(found), x, sigma))
    if not all(r.inside for r in results):
        say("Every pixel depends on the border: the network sees that far. The central quarter is compared.")
    if args.json:
        rows = [{"name": r.name, "rms": r.rms, "max": r.largest, "share": r.share, "inside": r.inside} for r in results]
        about = {"weights": found.card.name, "image": args.image or "sample:camera", "sigma": sigma}
        print_json({**about, "shape": list(x.shape), "transformations": rows})
    else:
        print(f"{found.card.name}: {found.card.architecture.name}, image {shape(x.shape)}, sigma {sigma:g}")
        rows = [[r.name, f"{r.rms:.1e}", f"{r.largest:.1e}", f"{100 * r.share:.0f} %"] for r in results]
        print(table([["transformation", "rms", "largest", "compared"], *rows], indent="  "))
    return 0
