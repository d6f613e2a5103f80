"""Parameters as text, as JSON and as objects."""

import json
import math
from typing import Annotated, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field
from pydantic.dataclasses import dataclass

import napari_mlpatch as mp
from napari_mlpatch.core.declare import CONFIG, build, describe, format_angles, parameters, parse_angles
from napari_mlpatch.core.registry import Registry, methods, noises, operators

DEGREES = st.floats(-1e4, 1e4)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("0:180:4", (0, 45, 90, 135)),
        ("-90:90:2", (-90, 0)),
        ("180:0:3", (180, 120, 60)),
        ("1, 2.5 3", (1, 2.5, 3)),
        ("7", (7,)),
        ("", ()),
        ([0, 45.5], (0, 45.5)),
        (np.arange(3, dtype=np.float32), (0, 1, 2)),
        (range(2), (0, 1)),
    ],
)
def test_parse_angles(given, expected):
    assert parse_angles(given) == pytest.approx(expected)


@pytest.mark.parametrize(
    "bad", ["a:b:c", "0:180", "0:180:4:5", "0:180:-3", "0:180:2.5", "0:180:99999999999", "one two"]
)
def test_unreadable_angles(bad):
    with pytest.raises(ValueError, match="start:stop:count"):
        parse_angles(bad)


@pytest.mark.parametrize("bad", [{"a": 1}, ["a"], [1j], [[1, 2], [3]], {1j}])
def test_angles_that_are_no_numbers(bad):
    with pytest.raises(ValueError, match="list of numbers"):
        parse_angles(bad)


@given(st.lists(DEGREES, min_size=1, max_size=8))
def test_any_angles_survive_as_text(angles):
    assert parse_angles(format_angles(angles)) == pytest.approx(tuple(angles), abs=1e-6, rel=0)


@given(DEGREES, DEGREES, st.integers(1, 500))
def test_ranges_survive_as_text(start, stop, count):
    angles = tuple(np.linspace(start, stop, count, endpoint=False).tolist())
    assert parse_angles(format_angles(angles)) == pytest.approx(angles, abs=1e-6, rel=0)


def test_ranges_are_written_short():
    assert format_angles(np.linspace(0, 180, 720, endpoint=False)) == "0:180:720"
    assert format_angles((0, 1, 5)) == "0, 1, 5"
    assert format_angles((0.1 + 0.2, 9, 359.123456)) == "0.3, 9, 359.123456"
    assert format_angles(()) == ""


@dataclass(frozen=True, config=CONFIG)
class Everything:
    shape: Annotated[tuple[int, int], Field(description="rows and columns")]
    small: Annotated[float, Field(gt=0, le=1, description="a share", json_schema_extra={"unit": "mm"})] = 0.5
    count: Annotated[int, Field(ge=1, lt=10, description="how many")] = 3
    open: Annotated[float | None, Field(ge=0, description="?", json_schema_extra={"none_means": "from the noise"})] = (
        None
    )
    choice: Annotated[Literal["a", "b"], Field(description="which")] = "a"
    switch: Annotated[bool, Field(description="whether")] = False
    angles: mp.core.declare.Angles = (0.0, 90.0)  # type: ignore[name-defined]


@pytest.fixture
def registry():
    registry = Registry("thing", "napari_mlpatch.noises", "napari_mlpatch.nothing")
    registry.register("everything", title="Everything")(Everything)
    return registry


def test_parameters():
    found = {p.name: p for p in parameters(Everything)}
    assert list(found) == ["shape", "small", "count", "open", "choice", "switch", "angles"]
    assert [p.kind for p in found.values()] == ["shape", "float", "int", "float", "choice", "bool", "angles"]
    assert found["shape"].required and not found["small"].required
    assert (found["small"].minimum, found["small"].maximum, found["small"].unit) == (0, 1, "mm")
    assert (found["count"].minimum, found["count"].maximum, found["count"].default) == (1, 10, 3)
    assert found["open"].optional and found["open"].none_means == "from the noise" and found["open"].default is None
    assert found["choice"].choices == ("a", "b")
    assert found["switch"].description == "whether" and found["switch"].none_means == ""
    text = json.dumps([p.json() for p in found.values()])
    assert json.loads(text)[1]["type"] == "float" and json.loads(text)[4]["choices"] == ["a", "b"]


@pytest.mark.parametrize(
    ("params", "complaint"),
    [
        ({}, "parameter 'shape' is missing"),
        ({"shape": [3]}, "'shape.1' is missing"),
        ({"shape": [3, 4.5]}, "shape.1: .*got 4.5"),
        ({"shape": [3, 4], "small": 2}, "small: .*less than or equal to 1, got 2"),
        ({"shape": [3, 4], "small": math.nan}, "small: .*finite number, got nan"),
        ({"shape": [3, 4], "small": "much"}, "small: .*got 'much'"),
        ({"shape": [3, 4], "choice": "c"}, "choice: .*'a' or 'b', got 'c'"),
        ({"shape": [3, 4], "smal": 1}, r"unknown parameter 'smal' \(known: shape, small, count"),
        ({"shape": [3, 4], "small": -1, "count": 0}, "small: .*; count: "),
        ({"shape": [3, 4], "open": "x" * 500}, "got 'xxxxx.{40,60}$"),
        ({"shape": [3, 4], "angles": {"a": 1}}, "angles: angles must be written"),
        ([1, 2], "by name, got"),
        (None, "by name, got None"),
    ],
)
def test_errors_name_what_is_bad(registry, params, complaint):
    with pytest.raises(mp.InputError, match=f"thing 'everything': .*{complaint}") as caught:
        build(registry, {"name": "everything", "params": params})
    assert "pydantic" not in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("description", [None, "tv", {}, {"name": 3}, {"params": {}}, []])
def test_what_is_no_description(registry, description):
    with pytest.raises(mp.InputError, match="A thing is described by"):
        build(registry, description)


def test_unknown_name(registry):
    with pytest.raises(mp.InputError, match=r"Unknown thing 'nothing'\. Known: everything"):
        build(registry, {"name": "nothing"})


def test_there_and_back(registry):
    thing = Everything(shape=(3, 4), angles="0:180:7", open=1e-300)  # type: ignore[arg-type]
    assert build(registry, json.loads(json.dumps(describe(thing)))) == thing


@pytest.mark.parametrize("registry", [operators, methods, noises], ids=lambda r: r.kind)
def test_everything_registered_is_described(registry):
    for cls in registry:
        assert cls.title and cls.__doc__ and registry.get(cls.name) is cls
        for p in parameters(cls):
            kinds = {"float", "int", "bool", "choice", "angles", "shape", "array"}
            if not getattr(cls, "in_forms", True):
                kinds |= {"operator", "operators"}
            assert p.description and p.kind in kinds, (cls, p.name, p.kind)
            assert not p.optional or p.none_means
            json.dumps(p.json())
