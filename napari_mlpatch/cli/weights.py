"""Trained weights: list them, show a card, or import a checkpoint of another program.

  mlpatch weights list
  mlpatch weights show mlpatch-gray-small
  mlpatch weights import drunet_gray.pth --name drunet-gray --licence MIT
  mlpatch weights import checkpoint.pt --name lofi-celeba --image-size 128

DnCNN, IRCNN and DRU-Net are read in the layout of KAIR and DPIR, LoFi in that of its release. Imported weights go
to the user's own folder (or to --out), from where all methods that need a denoiser find them by name; --force replaces
those of the same name there.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.files import path_of
from napari_mlpatch.core.words import figure

from .output import print_json, say, table

if TYPE_CHECKING:
    from napari_mlpatch.weights import Card


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=("list", "show", "import"))
    parser.add_argument("what", nargs="?", metavar="NAME|FILE", help="weights to show, or checkpoint to import")
    parser.add_argument("--name", help="import: what the weights are called from now on")
    parser.add_argument("--image-size", type=int, metavar="N", help="import of LoFi: image size of the training (128)")
    parser.add_argument("--licence", default="unknown", metavar="TEXT", help="import: the licence of the checkpoint")
    parser.add_argument("--out", metavar="DIR", help="import: folder to write to")
    parser.add_argument("--force", action="store_true", help="import: replace weights of the same name")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")


def run(args: argparse.Namespace) -> int:
    from napari_mlpatch import weights

    if args.action == "list":
        cards = weights.available()
        if args.json:
            print_json({"weights": [card.model_dump(mode="json", exclude_none=True) for card in cards]})
        else:
            rows = [(card.name, card.title, ", ".join(weights.facts(card))) for card in cards]
            print(table(rows) if rows else "No weights are here.")
        return 0
    if args.what is None:
        raise InputError(f"Name what to {args.action}: mlpatch weights {args.action} ...")
    card = weights.find(args.what).card if args.action == "show" else _import(args)
    if args.json:
        print_json(card.model_dump(mode="json", exclude_none=True))
    else:
        print(f"{card.name}: {card.title}\n  {', '.join(weights.facts(card))}\n  {card.architecture.params}")
        print(f"  {card.data}; licence {card.licence}; sha256 {card.sha256[:12]}")
        for name, value in card.metrics.items():
            print(f"  {figure(name, value)}")
    return 0


def _check_name(name: str, folder: Path, force: bool) -> None:
    """Raises InputError for names of the program's own weights, which are found first, and for those in the folder."""
    from napari_mlpatch import weights

    if weights.is_shipped(name):
        raise InputError(f"The program's own weights are called {name!r}. Choose another --name.")
    if not force and any((folder / f"{name}{ending}").exists() for ending in (".json", ".safetensors")):
        raise InputError(f"There are weights called {name!r} in {folder}. Choose another --name, or add --force.")


def _import(args: argparse.Namespace) -> Card:
    from napari_mlpatch import networks, weights
    from napari_mlpatch.core.recipe import Description
    from napari_mlpatch.interop.checkpoint import read_checkpoint
    from napari_mlpatch.interop.kair import from_kair
    from napari_mlpatch.interop.lofi import from_lofi

    if args.name is None:
        raise InputError("Give the imported weights a name with --name.")
    folder = weights.own_folder() if args.out is None else path_of(args.out, "--out")
    _check_name(args.name, folder, args.force)
    tensors = read_checkpoint(args.what)
    network = from_lofi(tensors, image_size=args.image_size) if "patch_scale" in tensors else from_kair(tensors)
    made = networks.describe(network)
    card = weights.save(
        folder,
        network.state_dict(),
        name=args.name,
        title=f"{made['name']}, imported from {Path(args.what).name}",
        method="denoiser",
        architecture=Description(**made),
        noise=None,
        data=f"imported from {Path(args.what).name}; what it was trained on is for its authors to say",
        steps=0,
        seed=0,
        metrics={},
        licence=args.licence,
    )
    say(f"Written to {folder / card.name}.safetensors.")
    return card
