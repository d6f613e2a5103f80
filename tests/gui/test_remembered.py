"""Forms come back as they were left, whatever the file of the last session holds."""

from __future__ import annotations

import json

import numpy as np
import pytest
from qtpy.QtWidgets import QComboBox, QFileDialog

from napari_mlpatch.core.registry import methods, noises, operators
from napari_mlpatch.gui.forms.form import DeclarationForm
from napari_mlpatch.gui.forms.remembered import changes, recall, reset
from napari_mlpatch.gui.plumbing import memory as store
from napari_mlpatch.gui.problem.simulate_page import SimulatePage
from napari_mlpatch.gui.reconstruct.reconstruct_dock import ReconstructDock


@pytest.fixture
def file(tmp_path, monkeypatch):
    path = tmp_path / "settings" / "forms.json"
    monkeypatch.setenv(store.VARIABLE, str(path))
    store.renew()
    yield path
    monkeypatch.undo()
    store._present = None


def by_hand(combo, name):
    combo.setCurrentIndex(combo.findData(name))
    combo.activated.emit(combo.currentIndex())


def type_in(form, name, value):
    form.fields[name].set(value)
    form.fields[name].changed.emit()


def test_the_next_session_begins_where_the_last_one_ended(file, session, qtbot):
    dock = ReconstructDock(session.workbench)
    qtbot.addWidget(dock)
    by_hand(dock.method, "tikhonov")
    type_in(dock.form, "weight", 0.25)
    by_hand(dock.method, "pnp-admm")
    type_in(dock.form, "iterations", 7)
    dock.weights.setCurrentIndex(dock.weights.findData("mlpatch-ct"))
    dock.weights.activated.emit(dock.weights.currentIndex())

    store.renew()  # as another start of the program does
    again = ReconstructDock(session.workbench)
    qtbot.addWidget(again)
    assert again.method.currentData() == "pnp-admm" and again.chosen().iterations == 7
    assert again.weights.currentData() == "mlpatch-ct"
    by_hand(again.method, "tikhonov")
    assert again.chosen().weight == 0.25
    again.reset.click()
    assert again.chosen() == methods.get("tikhonov")()
    store.renew()
    assert store.memory().get("methods", "tikhonov") is None
    assert store.memory().get("methods", "pnp-admm") == {"iterations": 7}


def test_operator_and_noise_come_back_for_images_of_the_same_size(file, session, qtbot):
    def page(shape):
        session.viewer.layers.clear()
        made = SimulatePage(session.viewer, session.workbench)
        qtbot.addWidget(made)
        session.viewer.add_image(np.zeros(shape, np.float32))
        return made

    first = page((40, 40))
    by_hand(first.operator, "fan-beam")
    type_in(first.operator_form, "angles_deg", "0:360:77")
    by_hand(first.noise, "poisson")
    store.renew()
    second = page((40, 40))
    assert (second.operator.currentData(), second.noise.currentData()) == ("fan-beam", "poisson")
    assert len(second.operator_form.values()["angles_deg"]) == 77
    third = page((64, 64))
    suggested = operators.get("fan-beam").suggest((64, 64))
    assert third.operator_form.values()["detector_count"] == suggested["detector_count"]
    third.reset.click()
    assert len(third.operator_form.values()["angles_deg"]) != 77


def test_folders_of_dialogs(file, tmp_path, monkeypatch, qtbot):
    from napari_mlpatch.gui.plumbing.dialogs import ask_file, ask_target

    asked = []

    def answer(parent, title, where, filters, first=""):
        asked.append(where)
        return str(tmp_path / "scan.h5"), ""

    for kind in ("getOpenFileName", "getSaveFileName"):
        monkeypatch.setattr(QFileDialog, kind, answer)
    parent = QComboBox()
    qtbot.addWidget(parent)
    ask_file(parent, "measurement", "Open", "*")
    store.renew()
    ask_file(parent, "measurement", "Open", "*")
    ask_target(parent, "measurement", "Save", "result.tif", "*")
    assert asked == ["", str(tmp_path), str(tmp_path / "result.tif")]


UNUSABLE = ({"iterations": "many", "norm": 7, "weight": []}, {"iterations": -5, "unknown": 1}, {"tolerance": 1e999})
DAMAGED = ["", "{", "[1, 2]", "null", "{" * 9999]
DAMAGED += ['{"method": 3, "methods": 5}', '{"methods": {"tv": [1]}, "weights": []}']
DAMAGED += [
    json.dumps({"method": "gone", "methods": {"tv": values}, "operator": None, "noise": {"a": 1}})
    for values in UNUSABLE
]


@pytest.mark.parametrize("text", DAMAGED)
def test_a_damaged_file_is_as_good_as_none(file, text, qtbot):
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)
    known = store.renew()
    form = DeclarationForm(methods, "tv")
    qtbot.addWidget(form)
    recall(form, known.get("methods", "tv"))
    built = form.build()
    assert built.norm == methods.get("tv")().norm and built.iterations >= 1
    assert known.text("method") in ("", "gone")
    known.put({"iterations": 3}, "methods", "tv")
    store.renew()
    assert store.memory().get("methods", "tv", "iterations") == 3


@pytest.mark.parametrize("registry", [methods, noises, operators], ids=["methods", "noises", "operators"])
def test_only_what_differs_is_remembered(registry, qtbot):
    for name in registry.names():
        form = DeclarationForm(registry, name, hidden=("image_shape",))
        qtbot.addWidget(form)
        assert changes(form) == {}, name
        for field_name, field in form.fields.items():
            if field.parameter.kind == "int" and not field.parameter.optional:
                type_in(form, field_name, field.get() + 1)
        json.dumps(changes(form))
        reset(form)
        assert changes(form) == {}, name


def test_nothing_is_written_where_napari_keeps_no_settings(monkeypatch):
    monkeypatch.delenv(store.VARIABLE, raising=False)
    monkeypatch.setenv("NAPARI_CONFIG", "")
    assert store._path() is None
