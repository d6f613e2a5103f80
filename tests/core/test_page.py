"""Pages of help: all of it stands at the declaration, and window, command line and site show the same."""

import json
import re
from typing import Annotated

import pytest
from pydantic import Field
from pydantic.dataclasses import dataclass

from napari_mlpatch.cli import main
from napari_mlpatch.core.declare import CONFIG
from napari_mlpatch.core.page import in_words, page
from napari_mlpatch.core.registry import methods, operators

ALL = [*methods, *operators]
ROMAN = re.compile(r"\b(1[89]|20)\d\d\b")


@dataclass(frozen=True, config=CONFIG)
class Mean:
    """The mean ``m`` of
    all values.

    More on it.

    And more | on it.

    Equation:
        m = Σ x / n

          n > 0

    When to use it:
        Where one number
        will do.

    References:
        - C. F. Gauss, A book,
          1809, doi:10.1000/xyz(1).
        - A. Legendre, 1805.
    """

    name = "mean"
    title = "Mean value"
    share: Annotated[float, Field(gt=0, le=1, description="a | b", json_schema_extra={"unit": "mm"})] = 0.5
    count: Annotated[int | None, Field(ge=1, json_schema_extra={"none_means": "all"})] = None


def test_sections():
    about = page(Mean)
    assert about.summary == "The mean ``m`` of all values."
    assert about.details == "More on it.\n\nAnd more | on it."
    assert about.equation == "m = Σ x / n\n\n  n > 0"
    assert about.when == "Where one number will do."
    assert about.references == ("C. F. Gauss, A book, 1809, doi:10.1000/xyz(1).", "A. Legendre, 1805.")


def test_bounds_for_people():
    """No word of Python in what a form tells."""
    share, count = map(in_words, page(Mean).parameters)
    assert share == "number from 0 to 1 mm; default: 0.5" and count == "whole number from 1; default: all"
    told = {f"{cls.name} {p.name}": in_words(p) for cls in ALL for p in page(cls).parameters}
    python = re.compile(r"\b(int|float|bool|str|True|False|None|tuple)\b|\|")
    assert {name: text for name, text in told.items() if python.search(text)} == {}
    assert told["fbp window"].startswith("ramp, ") and " or " in told["fbp window"]


def test_markdown():
    text = page(Mean).markdown("![p](p.png)")
    assert text.startswith(
        "# Mean value\n\nThe mean `m` of all values.\n\n```text\nm = Σ x / n\n\n  n > 0\n```\n\n![p]"
    )
    assert "| `share` | a \\| b | number from 0 to 1 mm | 0.5 |" in text and "| whole number from 1 | all |" in text
    assert "[doi:10.1000/xyz(1)](https://doi.org/10.1000/xyz(1))." in text


def test_text_is_wrapped():
    lines = page(Mean).text(width=40).splitlines()
    assert lines[0] == "mean   Mean value" and "    m = Σ x / n" in lines and "    Where one number will do." in lines
    assert max(map(len, lines)) <= 40 and "``" not in "".join(lines)


def test_without_sections():
    @dataclass(frozen=True, config=CONFIG)
    class Bare:
        """One sentence."""

        name = "bare"
        title = "Bare"

    assert page(Bare).markdown() == "# Bare\n\nOne sentence.\n"
    assert page(Bare).text() == "bare   Bare\n\nOne sentence."


@pytest.mark.parametrize("cls", ALL, ids=lambda cls: cls.name)
def test_every_method_and_operator_has_its_page(cls):
    about = page(cls)
    assert about.summary.endswith((".", ":")) and about.equation and len(about.when) > 40
    assert all(p.description for p in about.parameters)
    if getattr(cls, "in_forms", True):
        assert about.references
    assert all(ROMAN.search(one) for one in about.references), "a year"


@pytest.mark.parametrize(("kind", "name"), [("methods", "tv"), ("operators", "blur"), ("noises", "poisson")])
def test_command(kind, name, capsys):
    registry = {"methods": methods, "operators": operators}.get(kind)
    assert main(["list", kind, name]) == 0
    text = capsys.readouterr().out
    assert text.startswith(f"{name}   ")
    if registry is not None:
        assert text.strip() == page(registry.get(name)).text()
    assert main(["list", kind, name, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["name"] == name and {"equation", "when", "references", "parameters"} <= set(told)


def test_command_of_what_has_no_page(capsys):
    assert main(["list", "methods", "no-such"]) == 2 and "Known: direct" in capsys.readouterr().err
    assert main(["list", "weights", "lpd-adler"]) == 2 and "leave 'lpd-adler' out" in capsys.readouterr().err
