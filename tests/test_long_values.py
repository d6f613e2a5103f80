"""Values of any length in a recipe are named by their beginnings."""

import pytest

import napari_mlpatch as mp
from napari_mlpatch import weights
from napari_mlpatch.core.declare import build
from napari_mlpatch.core.registry import denoisers, methods, noises, operators
from napari_mlpatch.core.steps import device_of

LONG = "moon" * 25_000
CALLS = {
    **{r.kind: (lambda r=r: build(r, {"name": LONG})) for r in (operators, methods, noises, denoisers)},
    "parameter": lambda: build(methods, {"name": "tv", "params": {LONG: 1}}),
    "value": lambda: build(methods, {"name": "tv", "params": {"weight": LONG}}),
    "description": lambda: build(methods, {"names": LONG}),
    "python": lambda: build(operators, {"name": f"python:{LONG}"}),
    "weights": lambda: weights.find(LONG),
    "device": lambda: device_of(LONG),
    "source": lambda: mp.io.open_source({"kind": LONG}),
    "source as a whole": lambda: mp.io.open_source({"kind": "file", "why": "moon " * 20_000}),
    "option": lambda: mp.io.open_source({"kind": "file", "path": "x.h5", "options": {LONG: 1}}),
    "seed": lambda: mp.io.open_source({"kind": "simulated", "seed": LONG}),
}


@pytest.mark.parametrize("name", CALLS)
def test_long_values(name):
    with pytest.raises(mp.InputError) as caught:
        CALLS[name]()
    assert len(str(caught.value)) < 2500


def test_messages_keep_their_end_and_paths():
    path = "/folder" * 100
    assert str(mp.InputError(f"{path} is gone.")) == f"{path} is gone."
    assert str(mp.InputError("a " * 50_000 + "Do this.")).endswith("Do this.")
