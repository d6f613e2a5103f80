"""Names on pictures: short, and no two alike."""

from __future__ import annotations

from types import SimpleNamespace

import napari_mlpatch as mp
from napari_mlpatch.workbench.captions import caption, names
from napari_mlpatch.workbench.named import WIDEST, Named


def test_only_the_settings_that_differ_are_named():
    methods = [
        mp.methods.FBP(window="hann"),
        mp.methods.TV(iterations=20),
        mp.methods.TV(iterations=20, weight=0.3),
        mp.methods.TV(iterations=20, weight=0.3, norm="anisotropic", nonnegative=True, tolerance=0.0125),
    ]
    made = [SimpleNamespace(id=i, named=Named.of(method)) for i, method in enumerate(methods)]
    found = names(made)
    assert found[0] == "FBP" and found[1] == "TV" and found[2] == "TV weight=0.3"
    assert len(found[3]) <= WIDEST and found[3].startswith("TV weight=0.3, norm") and found[3].endswith("…")
    assert len(set(found.values())) == 4


def test_where_there_is_little_room_the_first_figure_stays_and_the_name_is_cut():
    whole = "MLPatch-ADMM ct-small: 33.12 dB, 0.912"
    assert caption("MLPatch-ADMM ct-small", "33.12 dB, 0.912") == whole
    assert caption("MLPatch-ADMM ct-small", "33.12 dB, 0.912", 31) == "MLPatch-ADMM ct-small: 33.12 dB"
    assert caption("MLPatch-ADMM ct-small", "33.12 dB, 0.912", 20) == "MLPatch-A…: 33.12 dB"
    assert caption("TV", "", 20) == "TV" and caption("MLPatch-ADMM", "", 8) == "MLPatch…"
    assert caption("Tikhonov", "error", 1) == "Tik…: error", "something of the name stays"


def test_names_that_begin_alike_keep_the_end_in_which_they_differ():
    both = ["Unrolled lpd-adler", "Unrolled lgd-adler", "TV"]
    assert [caption(name, "36.24 dB", 20, both) for name in both] == [
        "…lpd-adler: 36.24 dB",
        "…lgd-adler: 36.24 dB",
        "TV: 36.24 dB",
    ]
    assert caption(both[0], "36.24 dB", 20, ["TV"]) == "Unrolled…: 36.24 dB", "none is like it"
    for room in range(16, 40):
        assert len({caption(name, "36.24 dB", room, both) for name in both}) == 3
        assert all(len(caption(name, "36.24 dB", room, both)) <= room for name in both)
    weights = ["TV weight=0.1", "TV weight=0.2"]
    assert [caption(name, "9 dB", 14, weights) for name in weights] == ["…ght=0.1: 9 dB", "…ght=0.2: 9 dB"]
