"""pint's units are read beside the window's thread."""

from __future__ import annotations

import threading

import numpy as np
import pint
import pytest
from napari.layers import Image

from napari_mlpatch.gui.plumbing.units_ready import LAZY, read_units


@pytest.fixture
def unread():
    """pint as it is before anybody has asked for a unit."""
    registry = pint.get_application_registry()
    before = registry.get()
    registry.set(LAZY())
    yield registry
    registry.set(before)


def read(then=lambda: None) -> list:
    posted, done = [], threading.Event()

    def post(act) -> None:
        posted.append(act)
        done.set()

    read_units(post, then)
    return posted if done.wait(60) else []


def test_they_are_those_that_pint_reads_itself(unread):
    known = []
    (act,) = read(lambda: known.append(unread.get()))
    assert type(unread.get()) is LAZY and not known, "only the window's thread puts another in its place"
    act()
    assert known == [unread.get()]
    ours, own = unread.get(), pint.UnitRegistry()
    assert type(ours) is type(own) and set(ours._units) == set(own._units)
    assert ours("1 inch").to("mm").magnitude == pytest.approx(25.4)
    layer = Image(np.zeros((2, 2)), units=("mm", "um"))
    assert layer.units == (ours.mm, ours.um) and layer.units[0].dimensionality == ours.metre.dimensionality


def test_units_that_exist_already_stay_those_of_one_registry(unread):
    (act,) = read()
    first = unread.mm
    act()
    assert first == unread.mm and first._REGISTRY is unread.get()


def test_what_is_known_is_not_read_again(unread, monkeypatch):
    assert unread.mm is not None
    monkeypatch.setattr(threading.Thread, "start", lambda thread: pytest.fail("a thread was started"))
    done = []
    read_units(lambda act: None, lambda: done.append(1))
    assert done == [1], "at once"
