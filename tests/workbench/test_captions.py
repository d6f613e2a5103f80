"""Names on pictures: short, and no two alike."""

from __future__ import annotations

from types import SimpleNamespace

import napari_mlpatch as mp
from napari_mlpatch.workbench.captions import names
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
