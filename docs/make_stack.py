"""A scan of many slices to try the program on, made from pictures of yours: as NXtomo and as a folder of TIFF.

  python docs/make_stack.py slices.npz out
  python docs/make_stack.py folder_of_pictures out --slices 256 --size 256 --angles 60

SLICES is an array ``[slices, rows, columns]`` in a ``.npy`` or ``.npz`` file, or a folder of pictures, in the order of
their names; where there are fewer than ``--slices``, those between two pictures are mixed from them. Written are
``out/scan.nxs`` and ``out/projections``, with the same counts: dark field, flat field and projections over 180 degrees,
with Poisson noise. Nothing is downloaded.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import h5py
import numpy as np
import tifffile
import torch
from PIL import Image

import napari_mlpatch as mp

DENSEST = 2.0
"""Line integral through the densest slice."""
DARK = 100
SEED = 0


def pictures(source: Path, size: int) -> np.ndarray:
    """All pictures as float32 ``[pictures, size, size]``, from 0 on."""
    if source.is_dir():
        stack = [
            np.asarray(Image.open(file).convert("F")) for file in sorted(source.iterdir()) if file.suffix != ".txt"
        ]
    else:
        found = np.load(source)
        stack = list(found if source.suffix == ".npy" else found[found.files[0]])
    resized = [np.asarray(Image.fromarray(np.float32(one)).resize((size, size), Image.Resampling.BOX)) for one in stack]
    x = np.stack(resized)
    return x - x.min()


def between(x: np.ndarray, slices: int) -> np.ndarray:
    """So many slices, of which the first and the last are pictures, and those between two are mixed from them."""
    place = np.linspace(0, len(x) - 1, slices)
    low = np.minimum(place.astype(int), len(x) - 2) if len(x) > 1 else place.astype(int)
    weight = (place - low).astype(np.float32)[:, None, None]
    return (1 - weight) * x[low] + weight * x[np.minimum(low + 1, len(x) - 1)]


def counts(x: np.ndarray, angles: np.ndarray, beam: float) -> tuple[np.ndarray, np.ndarray]:
    """Projections ``[angles, slices, bins]`` and a flat field ``[slices, bins]``, in counts of a detector."""
    size = x.shape[1]
    A = mp.operators.ParallelBeam(image_shape=(size, size), angles_deg=tuple(angles), detector_count=size)
    y = np.concatenate(
        [A(torch.from_numpy(part)[:, None])[:, 0].numpy() for part in np.array_split(x, -(-len(x) // 16))]
    )
    y *= DENSEST / y.max()
    rng = np.random.default_rng(SEED)
    flat = beam * (0.8 + 0.4 * rng.random((len(x), size)))
    projections = rng.poisson(flat[:, None] * np.exp(-y)) + DARK
    return projections.swapaxes(0, 1).astype(np.uint16), (flat + DARK).round().astype(np.uint16)


def write_nxtomo(path: Path, projections: np.ndarray, flat: np.ndarray, angles: np.ndarray) -> None:
    """``image_key`` says what a frame is: 2 dark, 1 flat, 0 projection."""
    dark = np.full_like(flat, DARK)
    with h5py.File(path, "w") as file:
        detector = file.create_group("entry/tomo_entry/instrument/detector")
        frames = np.concatenate([dark[None], flat[None], projections])
        detector.create_dataset("data", data=frames, chunks=(1, min(16, frames.shape[1]), frames.shape[2]))
        detector["image_key"] = [2, 1, *[0] * len(projections)]
        turned = file.create_dataset("entry/tomo_entry/sample/rotation_angle", data=[0.0, 0.0, *angles])
        turned.attrs["units"] = "degree"


def write_tiff(folder: Path, projections: np.ndarray, flat: np.ndarray, angles: np.ndarray) -> None:
    folder.mkdir(exist_ok=True)
    tifffile.imwrite(folder / "dark.tif", np.full_like(flat, DARK))
    tifffile.imwrite(folder / "flat.tif", flat)
    for k, one in enumerate(projections):
        tifffile.imwrite(folder / f"projection_{k:04}.tif", one)
    np.savetxt(folder / "angles.txt", angles, fmt="%.9g", header="degrees")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", metavar="SLICES", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--slices", type=int, default=256)
    parser.add_argument("--size", type=int, default=256, help="rows and columns of a slice, and bins")
    parser.add_argument("--angles", type=int, default=60)
    parser.add_argument("--beam", type=float, default=20000.0, help="counts of a bin without a sample")
    args = parser.parse_args()
    angles = np.linspace(0.0, 180.0, args.angles, endpoint=False)
    x = between(pictures(args.pictures, args.size), args.slices)
    projections, flat = counts(x, angles, args.beam)
    args.out.mkdir(parents=True, exist_ok=True)
    write_nxtomo(args.out / "scan.nxs", projections, flat, angles)
    write_tiff(args.out / "projections", projections, flat, angles)
    print(f"{args.slices} slices of {args.size} x {args.size}, {args.angles} angles: {args.out}/scan.nxs, projections")


if __name__ == "__main__":
    main()
