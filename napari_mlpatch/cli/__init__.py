"""The command ``mlpatch``: its first argument is a verb.

Exit codes: 0 fine, 1 a figure missed, 2 bad input, 130 interrupted; 70 is an error in the program itself.
Results go to standard output, everything else to standard error.
"""

from __future__ import annotations

import argparse
import difflib
import importlib
import sys
import traceback
from collections.abc import Sequence
from typing import NoReturn

from napari_mlpatch import __version__
from napari_mlpatch.core.budget import is_out_of_memory
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.heap import one_arena

from .streams import guarded, silence

VERBS = {
    "list": "what there is: operators, methods, architectures, weights, samples...",
    "simulate": "make a measurement from an image",
    "reconstruct": "make a picture from a measurement",
    "evaluate": "measure how good a picture is",
    "replay": "make a picture again from its recipe",
    "recipe": "the recipe of a picture in words, as code, as a command; what changed between two",
    "figure": "a figure for a paper from results: PDF, SVG or PNG",
    "session": "look into a session that was saved from the window",
    "batch": "many reconstructions at once: sweep parameters, compare methods",
    "zoom": "enlarge a picture with an MLPatch network, by any factor",
    "equivariance": "does a denoiser do the same to a shifted or turned picture",
    "train": "train a network: a denoiser, or one that reconstructs",
    "weights": "trained weights: list, show, import from other programs",
    "bench": "measure speed and memory, also beside other programs",
    "reproduce": "check a published figure",
    "demo": "run the window through a tour, leave a report and a screenshot",
}
"""Each is a module of this package: ``add_arguments(parser)`` and ``run(args) -> exit code``.

Where a module sets ``TAKES_REST``, arguments that it does not know are handed over as ``args.rest``.
"""
MODULES = {"list": "listing"}

FINE, MISSED, BAD_INPUT, INTERNAL, INTERRUPTED = 0, 1, 2, 70, 130


class Parser(argparse.ArgumentParser):
    """Reports a wrong command line like any other bad input."""

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message}. See {self.prog} --help.")


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line and give its exit code."""
    one_arena()
    with guarded():
        return _code(list(sys.argv[1:] if argv is None else argv))


def _code(words: list[str]) -> int:
    try:
        code = _run(words)
        sys.stdout.flush()
        return code
    except InputError as error:
        return _bad_input(str(error))
    except KeyboardInterrupt:
        print("mlpatch: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output, head for example, has seen enough
        silence(sys.stdout)
        return FINE
    except SystemExit as ended:  # --help, here or in a benchmark
        return ended.code if isinstance(ended.code, int) else BAD_INPUT if ended.code else FINE
    except BaseException as error:  # of other packages, too
        if is_out_of_memory(error):
            return _bad_input(f"Out of memory ({error}). Use a smaller image, or a part of it; close other programs.")
        if isinstance(error, OSError) and error.filename is not None:  # a name too long, a folder without permission
            return _bad_input(f"{error.filename}: {error.strerror}.")
        traceback.print_exc()
        print("mlpatch: this is an error in the program. Please report it with the lines above.", file=sys.stderr)
        return INTERNAL


def _bad_input(message: str) -> int:
    print(f"mlpatch: {' '.join(message.split())}", file=sys.stderr)
    return BAD_INPUT


def _run(words: list[str]) -> int:
    if not words or words[0] in ("-h", "--help", "help"):
        print(_help())
        return FINE if words else BAD_INPUT
    verb, *words = words
    if verb in ("-V", "--version"):
        print(f"mlpatch {__version__}")
        return FINE
    if verb not in VERBS:
        near = difflib.get_close_matches(verb, VERBS, n=2)
        hint = f"Did you mean {' or '.join(near)}?" if near else f"Known: {', '.join(VERBS)}."
        raise InputError(f"There is no verb {verb!r}. {hint}")
    module = importlib.import_module(f".{MODULES.get(verb, verb)}", __name__)
    takes_rest = getattr(module, "TAKES_REST", False)
    parser = Parser(
        prog=f"mlpatch {verb}",
        description=module.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
        add_help=not takes_rest,
    )
    module.add_arguments(parser)
    if takes_rest:
        args, args.rest = parser.parse_known_args(words)
    else:
        args = parser.parse_args(words)
    return module.run(args)


def _help() -> str:
    verbs = "\n".join(f"  {verb:<12} {summary}" for verb, summary in VERBS.items())
    return f"""usage: mlpatch VERB ...
       mlpatch VERB --help
       mlpatch --version

Reconstruction of images from measurements: tomography and other inverse problems.

{verbs}

exit codes: 0 fine, 1 a figure missed, 2 bad input, 130 interrupted"""
