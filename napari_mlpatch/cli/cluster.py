"""Options of commands that can run on several workers: processes of this machine, or a Dask cluster."""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from typing import Any

from napari_mlpatch.core.errors import InputError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--workers", type=int, metavar="N", help="so many processes of this machine (needs dask)")
    group.add_argument("--scheduler", metavar="ADDRESS", help="a Dask scheduler that runs already")


def opened(args: argparse.Namespace, stack: ExitStack) -> Any:
    """The ``Cluster`` that the options ask for, until ``stack`` ends; None where they ask for none."""
    if args.workers is None and not args.scheduler:
        return None
    if args.workers is not None and args.workers < 1:
        raise InputError(f"--workers is a number from 1 on, got {args.workers}.")
    from napari_mlpatch.stacks.executors.cluster import Cluster

    return stack.enter_context(Cluster(args.scheduler, args.workers))


def pool(args: argparse.Namespace, stack: ExitStack) -> Any:
    """The ``Pool`` of independent runs that the options ask for; None where they ask for none."""
    found = opened(args, stack)
    if found is None:
        return None
    from napari_mlpatch.batch.pool import Pool

    return Pool(found.client)
