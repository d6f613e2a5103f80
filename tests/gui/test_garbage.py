"""Automatic garbage collection is off while any window is open."""

import gc
import weakref

import pytest

from napari_mlpatch.gui.plumbing.garbage import GuiThreadGarbage, collect_soon


@pytest.mark.parametrize("first", [0, 1])
def test_closing_one_of_two_windows_leaves_it_off(qapp, first):
    assert gc.isenabled()
    two = [GuiThreadGarbage(), GuiThreadGarbage()]
    try:
        two[first].close()
        assert not gc.isenabled()
        two[first].close()  # once more does no harm
        assert not gc.isenabled()
    finally:
        two[1 - first].close()
    assert gc.isenabled()


@pytest.mark.parametrize("gone_before", [False, True], ids=["", "the first canvas is deleted"])
def test_what_is_asked_for_is_collected_soon(qtbot, gone_before):
    class Cycle:
        its: object = None

    def deleted():
        raise RuntimeError("wrapped C/C++ object has been deleted")

    here = GuiThreadGarbage()
    try:
        cycle = Cycle()
        cycle.its = cycle
        gone = weakref.ref(cycle)
        del cycle
        assert gone() is not None
        if gone_before:
            collect_soon(deleted, lambda: None)
        collect_soon(lambda: None, lambda: None)
        qtbot.waitUntil(lambda: gone() is None, timeout=60_000)
    finally:
        here.close()
