"""Automatic garbage collection is off while any window is open."""

import gc

import pytest

from napari_mlpatch.gui.plumbing.garbage import GuiThreadGarbage


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
