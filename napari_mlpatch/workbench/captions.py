"""What results are called where there is little room: short, but no two alike."""

from __future__ import annotations

import functools
from collections import Counter, defaultdict
from collections.abc import Iterable

from .columns import REGION
from .entry import Entry
from .named import BRIEF, WIDEST, elided

BETWEEN = ": "
"""A name and its figures."""
FEWEST, HEAD = 4, 9
"""Letters of a name that stay, and of the method in it, dots included, however little room there is."""


def names(entries: Iterable[Entry]) -> dict[int, str]:
    """Method and weights, by the id of the entry; of those that are alike the settings in which they differ."""
    alike: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        alike[entry.named.short].append(entry)
    weights_of = Counter(group[0].named.method for group in alike.values())
    found = {}
    for short, group in alike.items():
        method = group[0].named.method
        trained = short.removeprefix(method).strip()
        settings = [entry.named.settings.split(", ") for entry in group]
        common = set.intersection(*map(set, settings))
        for entry, its in zip(group, settings, strict=True):
            differs = ", ".join(s for s in its if s and s not in common)
            told = trained if weights_of[method] > 1 or not differs else ""
            rest = f"{told} {differs}".strip()
            room = max(WIDEST - 1 - len(rest), HEAD) if rest else WIDEST
            head = method if len(method) <= room else elided(_brief(method), room)
            found[entry.id] = elided(f"{head} {rest}".strip(), WIDEST)
    return found


def figure(entry: Entry) -> str:
    """How good a result is: PSNR and SSIM, those in the region of interest where there is one; or what is left over.

    Of a job that has no picture yet, what stands in its place.
    """
    if entry.job.active and entry.job.frame is None and entry.result is None:
        return "quick preview"
    values = entry.result.metrics if entry.result else {}
    mark = f"{REGION} " if "psnr" in entry.region else ""
    here = values | entry.region
    if "psnr" in here:
        return f"{mark}{here['psnr']:.2f} dB" + (f", {here['ssim']:.3f}" if "ssim" in here else "")
    if "relative_residual" in values:
        fit = f", chi² {values['reduced_chi_square']:.3g}" if "reduced_chi_square" in values else ""
        return f"residual {100 * values['relative_residual']:.2f} %{fit}"
    return ""


def caption(name: str, figures: str, letters: int | None = None, others: Iterable[str] = ()) -> str:
    """Name and figures. Where a line has room for at most so many letters, only the first of the figures, and, if both
    do not fit into it, of the name what does: its end, where it begins like one of the ``others``. See ``lines``."""
    if letters is None:
        return BETWEEN.join(filter(None, [name, figures]))
    first = figures.split(", ")[0]
    whole = BETWEEN.join(filter(None, [name, first]))
    if len(whole) <= letters:
        return whole
    return BETWEEN.join(filter(None, [_short(name, max(letters, FEWEST), others), first]))


def lines(text: str, letters: int) -> list[str]:
    """A caption as it stands where a line has room for so many letters: its figures below the name, if they must."""
    return [text] if len(text) <= letters else text.rsplit(BETWEEN, 1)


def _short(name: str, room: int, others: Iterable[str]) -> str:
    if len(name) <= room:
        return name
    name, others = _brief(name), [_brief(other) for other in others if other != name]
    words = name.split(" ")
    for count in range(len(words), 0, -1):
        head = " ".join(words[:count])
        if len(head) <= room and not any(f"{other} ".startswith(f"{head} ") for other in others):
            return head
    short = elided(name, room)
    alike = [other for other in others if elided(other, room) == short]
    if not alike:
        return short
    common = max(_alike(name, other) for other in alike)
    word = name.rfind(" ", 0, common + 1) + 1
    start = word if common - word < room - 2 else max(0, min(common, len(name) - room + 1))
    return elided(f"…{name[start:]}", room)


def _brief(name: str) -> str:
    return functools.reduce(lambda text, one: text.replace(*one), BRIEF.items(), name)


def _alike(one: str, other: str) -> int:
    """With how many equal letters two names begin."""
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
