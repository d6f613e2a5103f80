"""List what there is, with all parameters.

Operators, methods, noises, denoisers, steps of sinogram care, architectures, training tasks and image sources, metrics,
weights, samples.
"""

from __future__ import annotations

import argparse
import dataclasses
import inspect
from typing import TYPE_CHECKING, Any

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.files import path_of, read_text, reason_of, replace_bytes
from napari_mlpatch.core.metrics import METRICS, Metric
from napari_mlpatch.core.page import default_of, page, values_of
from napari_mlpatch.core.registry import (
    Registry,
    architectures,
    care_steps,
    denoisers,
    methods,
    noises,
    operators,
    sources,
    tasks,
)
from napari_mlpatch.core.words import figure

from .output import print_json, say, shape, table

if TYPE_CHECKING:
    from napari_mlpatch.weights import Card

REGISTRIES = {
    "operators": operators,
    "methods": methods,
    "noises": noises,
    "denoisers": denoisers,
    "care-steps": care_steps,
    "architectures": architectures,
    "tasks": tasks,
    "sources": sources,
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("kind", choices=(*REGISTRIES, "metrics", "weights", "samples"), help="what to list")
    parser.add_argument("name", nargs="?", help="of one of them: its whole page, with equation, use and references")
    parser.add_argument("--markdown", action="store_true", help="a table: name, title, what it is (as in the README)")
    parser.add_argument("--update", metavar="FILE", help="write that table into FILE, between <!-- KIND --> marks")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")


def run(args: argparse.Namespace) -> int:
    if args.update:
        update(args.update, args.kind)
        return 0
    if args.markdown:
        print(markdown(args.kind))
        return 0
    if args.name is not None:
        return _page(args)
    if args.kind in REGISTRIES:
        entries, texts = _declared(REGISTRIES[args.kind])
    elif args.kind == "metrics":
        entries, texts = _metrics()
    elif args.kind == "weights":
        entries, texts = _weights()
    else:
        entries, texts = _samples()
    if args.json:
        print_json(entries)
    else:
        print("\n\n".join(texts) or f"There are no {args.kind} in this version.")
    return 0


def _page(args: argparse.Namespace) -> int:
    if args.kind not in REGISTRIES:
        raise InputError(f"There are pages of {', '.join(REGISTRIES)}, not of {args.kind}: leave {args.name!r} out.")
    about = page(REGISTRIES[args.kind].get(args.name))
    if args.json:
        print_json(about.json())
    else:
        print(about.text())
    return 0


def markdown(kind: str) -> str:
    """A table of what is registered: name, title and first sentence; of metrics: what they need and which value wins;
    of weights: what they do, their size and figures.

    Raises InputError for other kinds.
    """
    if kind == "weights":
        return _table_of_weights()
    if kind == "metrics":
        return _table_of_metrics()
    if kind not in REGISTRIES:
        raise InputError(f"There are tables of {', '.join(REGISTRIES)}, metrics and weights, not of {kind}.")
    rows = []
    for cls in REGISTRIES[kind]:
        if getattr(cls, "in_forms", True):
            first = first_line(cls).replace("``", "`").replace("|", "\\|")
            rows.append(f"| `{cls.name}` | {cls.title} | {first} |")
    return "\n".join([f"| {kind.removesuffix('s')} | | what it does |", "|---|---|---|", *rows])


def first_line(cls: type) -> str:
    return (inspect.getdoc(cls) or "").partition("\n")[0]


def update(file: str, kind: str) -> None:
    """Put the table between the marks ``<!-- KIND -->`` and ``<!-- /KIND -->`` of a text. Raises InputError."""
    path, start, end = path_of(file, "The text"), f"<!-- {kind} -->\n", f"<!-- /{kind} -->"
    text = read_text(path, "The text")
    before, opening, rest = text.partition(start)
    _, closing, after = rest.partition(end)
    if not (opening and closing):
        raise InputError(f"{path} has no lines {start.strip()} and {end}, between which the table belongs: add them.")
    try:
        replace_bytes(path, f"{before}{start}{markdown(kind)}\n{end}{after}".encode())
    except OSError as error:
        raise InputError(f"{path} cannot be written: {reason_of(error)}.") from None


def _declared(registry: Registry) -> tuple[list[dict[str, Any]], list[str]]:
    entries, texts = [], []
    for cls in registry:
        about = page(cls)
        entries.append(about.json())
        rows = [(p.name, values_of(p), default_of(p), p.description) for p in about.parameters]
        listed = "\n" + table(rows, indent="    ") if rows else ""
        texts.append(f"{cls.name}   {cls.title}\n  {first_line(cls)}{listed}")
    for name, reason in registry.broken.items():
        say(f"mlpatch: the {registry.kind} {name!r} of another package cannot be used: {reason}")
    return entries, texts


def _weights() -> tuple[list[dict[str, Any]], list[str]]:
    from napari_mlpatch import weights

    cards = weights.available()
    texts = [f"{card.name}   {card.title}\n  {_purpose(card)}, trained on {card.data}" for card in cards]
    return [card.model_dump(mode="json") for card in cards], texts


def _table_of_weights() -> str:
    """Of those that come with the program and make pictures of data."""
    from napari_mlpatch import weights

    rows = ["| weights | what | `--method` | numbers | MB | steps | held out |", "|---|---|---|---|---|---|---|"]
    for card in weights.available():
        if card.method != "denoiser" and weights.is_shipped(card.name):
            size = next((fact for fact in weights.facts(card) if fact.endswith(" MB")), "missing")
            facts = f"{weights.find(card.name).count / 1e3:,.0f} k | {size.removesuffix(' MB')} | {card.steps:,}"
            figures = ", ".join(figure(name, value) for name, value in card.metrics.items())
            rows.append(f"| `{card.name}` | {card.title} | `{card.method}` | {facts} | {figures} |")
    return "\n".join(rows)


def _metrics() -> tuple[list[dict[str, Any]], list[str]]:
    entries, texts = [], []
    for metric in METRICS:
        known = {f.name: getattr(metric, f.name) for f in dataclasses.fields(metric) if f.name not in ("of", "form")}
        entries.append({**known, "per_region": metric.per_region})
        texts.append(f"{metric.key}   {metric.title}\n  {metric.tooltip}\n  needs: {metric.needs}; {_winner(metric)}")
    for name, reason in METRICS.broken.items():
        say(f"mlpatch: the metric {name!r} of another package cannot be used: {reason}")
    return entries, texts


def _table_of_metrics() -> str:
    rows = ["| metric | | needs | in a region | best | what it is |", "|---|---|---|---|---|---|"]
    for metric in METRICS:
        region, tooltip = "yes" if metric.per_region else "", metric.tooltip.replace("|", "\\|")
        rows.append(f"| `{metric.key}` | {metric.title} | {metric.needs} | {region} | {_winner(metric)} | {tooltip} |")
    return "\n".join(rows)


def _winner(metric: Metric) -> str:
    """Which value is best."""
    return f"{metric.target:g}" if metric.target is not None else metric.better or "none"


def _purpose(card: Card) -> str:
    """Which methods can use the weights, and on data of which operator."""
    if card.method == "denoiser":
        return "for methods with a denoiser"
    return f"for {card.method}" + (f" of data of {card.operator.name}" if card.operator else "")


def _samples() -> tuple[list[dict[str, Any]], list[str]]:
    from napari_mlpatch import io

    found = io.samples.SAMPLES
    made = io.simulations.SIMULATIONS
    texts = [f"{s.name}   {s.title}\n  {s.kind}, {shape(s.shape)}, {s.values}\n  {s.credit}" for s in found]
    texts += [f"{s.name}   {s.title}\n  simulated from the image {s.image}, so that the truth is known" for s in made]
    simulated = [{"kind": "simulated", **dataclasses.asdict(sample)} for sample in made]
    return [*(dataclasses.asdict(sample) for sample in found), *simulated], texts
