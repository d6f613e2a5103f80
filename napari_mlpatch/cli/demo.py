"""Run the window through a tour; leave a report and a screenshot."""

from __future__ import annotations

import argparse

TAKES_REST = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """All arguments are the demo's own."""


def run(args: argparse.Namespace) -> int:
    from napari_mlpatch.gui.demo import main

    return main(args.rest) or 0
