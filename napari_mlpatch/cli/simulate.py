"""Make a measurement from an image: y = A x + noise. It is written with the operator, the noise model and the truth.

  mlpatch simulate --operator parallel-beam --sample shepp-logan --out m.h5
  mlpatch simulate --operator parallel-beam --image photo.png --set angles_deg=0:180:60 --out m.h5

What --set leaves open fits the image: `mlpatch list operators` shows all parameters.
"""

from __future__ import annotations

import argparse
from typing import Any

from napari_mlpatch.core.files import path_of
from napari_mlpatch.torch_later import torch

from . import target
from .output import number, say, shape
from .settings import build_from, seed


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--operator", required=True, metavar="NAME", help="forward operator, e.g. parallel-beam")
    image = parser.add_mutually_exclusive_group(required=True)
    image.add_argument("--sample", metavar="NAME", help="a bundled image")
    image.add_argument("--image", metavar="FILE", help="an image: .png, .jpg, .tif, .npy, .h5, .fits, .mat, .dcm...")
    parser.add_argument("--size", type=int, metavar="N", help="resize the image, its longer side to N pixels")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="parameter of the operator")
    parser.add_argument("--noise", default="gaussian", metavar="NAME", help="noise model (gaussian), or none")
    parser.add_argument("--set-noise", action="append", default=[], metavar="KEY=VALUE", help="parameter of the noise")
    parser.add_argument("--seed", type=seed, default=0, help="seed of the noise (0)")
    parser.add_argument("--out", required=True, metavar="FILE", help="measurement to write, .h5")
    target.add_force(parser)


def run(args: argparse.Namespace) -> int:
    from napari_mlpatch import io

    out = target.checked(args, (".h5", ".hdf5"), "measurement")

    from napari_mlpatch.core.registry import noises, operators
    from napari_mlpatch.core.simulate import simulate

    source = _source(args)
    notes: list[str] = []
    image = torch.from_numpy(io.open_image(source, notes))
    for note in notes:
        say(f"{args.image}: {note}")
    suggested = operators.get(args.operator).suggest(tuple(image.shape))
    A = build_from(operators, args.operator, args.set, **suggested)
    noise = build_from(noises, args.noise, args.set_noise)
    problem = simulate(image, A, noise, seed=args.seed, source=source)
    io.write_measurement(out, problem, force=args.force)
    print(f"{args.out}: {A.title}, image {shape(A.domain_shape)}, data {shape(A.range_shape)}")
    print(f"  noise {noise.title}, standard deviation {number(problem.noise_std)}, seed {args.seed}")
    return 0


def _source(args: argparse.Namespace) -> dict[str, Any]:
    options = {} if args.size is None else {"size": args.size}
    if args.sample is not None:
        return {"kind": "sample", "name": args.sample, "options": options}
    return {"kind": "file", "path": str(path_of(args.image, "--image")), "options": options}
