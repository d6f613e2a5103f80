"""Leaving with results: sessions, figures, texts, what changed, undo; driven through the real widgets."""

from __future__ import annotations

import torch
from qtpy.QtWidgets import QApplication, QFileDialog

import napari_mlpatch as mp
from napari_mlpatch import io
from napari_mlpatch.gui.leave.changed_dialog import ChangedDialog
from napari_mlpatch.gui.leave.figure_dialog import FigureDialog
from tests.gui.test_window import finished, wait_for


def ran(session, qtbot):
    """Two results."""
    for method in (mp.methods.FBP(), mp.methods.Tikhonov(iterations=3)):
        session.workbench.run(method)
    wait_for(qtbot, lambda: finished(session))
    return session.workbench


def choose(session, words):
    """An entry of the menu, as a click does it."""
    menu = session.docks["Compare"].take.menu()
    action = min((a for a in menu.actions() if a.text().startswith(words)), key=lambda a: len(a.text()))
    assert action.isEnabled(), words
    action.trigger()


def answer(monkeypatch, path):
    """What the person answers to the next file dialogs."""
    for name in ("getSaveFileName", "getExistingDirectory"):
        value = str(path) if name.startswith("getExisting") else (str(path), "")
        monkeypatch.setattr(QFileDialog, name, lambda *given, value=value: value)


def dialog(kind):
    return next(widget for widget in QApplication.topLevelWidgets() if isinstance(widget, kind))


def test_a_session_is_saved_and_opened_with_one_action_each(simulated, qtbot, tmp_path, monkeypatch):
    workbench = ran(simulated, qtbot)
    first, second = workbench.entries
    workbench.set_shown(first, False)
    workbench.select(second)
    workbench.set_other(first)
    simulated.stage.set_kind("error")
    simulated.stage.kept["checkerboard"] = {"squares": 5}
    answer(monkeypatch, tmp_path / "s")
    choose(simulated, "Save the session as")
    sessions = simulated.stage.sessions
    wait_for(qtbot, lambda: sessions.folder is not None)
    before = [(e.title, e.shown, e.result) for e in workbench.entries]
    scene = workbench.scene

    workbench.remove_all(workbench.entries)
    simulated.stage.set_kind("picture")
    simulated.stage.kept.clear()
    other = mp.simulate(torch.ones(8, 8), mp.operators.Identity(image_shape=(8, 8)))
    from napari_mlpatch.workbench.scene import Scene

    workbench.set_scene(Scene(other, "another").show())
    choose(simulated, "Open a session")
    wait_for(qtbot, lambda: len(workbench.entries) == 2)
    again = [(e.title, e.shown, e.result) for e in workbench.entries]
    assert [row[:2] for row in again] == [row[:2] for row in before]
    for (_, _, old), (_, _, new) in zip(before, again, strict=True):
        assert torch.equal(old.x, new.x) and old.metrics == new.metrics and old.history == new.history
    assert workbench.scene.problem.same_as(scene.problem) and workbench.scene.frame == scene.frame
    assert workbench.selected is workbench.entries[1] and workbench.other is workbench.entries[0]
    wait_for(qtbot, lambda: simulated.stage.kind == "error")
    assert simulated.stage.kept["checkerboard"] == {"squares": 5}
    assert len({e.number for e in workbench.entries}) == 2, "colours of their own"
    kept = workbench.entries[1].job.iterates
    assert kept.ks == [1, 2, 3] and torch.equal(kept.at(3), workbench.entries[1].result.x), "iterates as well"

    workbench.resume(workbench.entries[1], 2)
    wait_for(qtbot, lambda: finished(simulated))
    straight = mp.reconstruct(scene.problem, mp.methods.Tikhonov(iterations=5))
    assert torch.equal(workbench.entries[1].result.x, straight.x), "it goes on where it was"
    choose(simulated, "Open a session")
    wait_for(qtbot, lambda: len(workbench.entries) == 3)
    assert workbench.entries[0].result is not None, "what is there already is not there twice"
    choose(simulated, "Save the session")
    wait_for(qtbot, lambda: len(io.read_session(tmp_path / "s").results) == 3)


def test_a_dropped_folder_of_a_session_is_opened(session, qtbot, tmp_path):
    problem = io.samples.problem("shepp-logan-30")
    result = io.SavedResult(mp.reconstruct(problem, mp.methods.FBP()))
    folder = io.write_session(tmp_path / "s", io.Session((io.SavedProblem(problem),), (result,), selected=0))
    session.viewer.open(folder, plugin="napari-mlpatch")
    wait_for(qtbot, lambda: len(session.workbench.entries) == 1)
    assert torch.equal(session.workbench.entries[0].result.x, result.result.x)


def test_foreign_folders_are_left_alone(simulated, qtbot, tmp_path, monkeypatch):
    ran(simulated, qtbot)
    (tmp_path / "thesis.tex").write_text("precious")
    said = []
    monkeypatch.setattr("napari_mlpatch.gui.leave.sessions.show_error", said.append)
    answer(monkeypatch, tmp_path)
    choose(simulated, "Save the session as")
    wait_for(qtbot, lambda: bool(said))
    assert "thesis.tex" in said[0] and len(list(tmp_path.iterdir())) == 1
    choose(simulated, "Open a session")
    wait_for(qtbot, lambda: len(said) == 2)
    assert "not a session" in said[1]


def test_removed_results_come_back(simulated, qtbot):
    workbench = ran(simulated, qtbot)
    first, second = workbench.entries
    workbench.select(first)
    choose(simulated, "Remove")
    assert workbench.entries == [second]
    choose(simulated, "Undo: remove FBP")
    assert workbench.entries == [first, second] and workbench.selected is first
    wait_for(qtbot, lambda: simulated.stage.layer_of(first) is not None)
    workbench.remove_all([first, second])
    assert workbench.undo.words == "remove 2 results"
    simulated.docks["Compare"].take.undo.trigger()
    assert workbench.entries == [first, second]
    assert not simulated.docks["Compare"].take.undo.isEnabled()


def test_an_adopted_centre_is_given_back(session, qtbot):
    measured = session.docks["Problem"].measured
    measured.load_sample("tooth")
    wait_for(qtbot, lambda: session.workbench.scene is not None)
    before = (measured.center_mode.currentData(), measured.center.value())
    measured.strip.adopted.emit(301.25)
    assert (measured.center_mode.currentData(), measured.center.value()) == ("value", 301.25)
    assert session.workbench.undo.undo() == "adopt the centre 301.25"
    assert (measured.center_mode.currentData(), measured.center.value()) == before


def test_a_figure_follows_its_form_and_is_saved(simulated, qtbot, tmp_path, monkeypatch):
    ran(simulated, qtbot)
    choose(simulated, "Figure")
    box = dialog(FigureDialog)
    wait_for(qtbot, lambda: box.picture.pixmap() is not None and not box.picture.pixmap().isNull())
    assert [panel.label for panel in box.panels] == ["truth", "FBP", "Tikhonov iterations=3"]
    height = box.picture.pixmap().height()
    box.form.fields["error_row"].set(True)
    box.form.changed.emit()
    wait_for(qtbot, lambda: box.picture.pixmap().height() > 1.5 * height)
    answer(monkeypatch, tmp_path / "f")
    box.save.click()
    wait_for(qtbot, lambda: (tmp_path / "f.pdf").exists())
    box.form.fields["inset"].set("nonsense")
    box.form.changed.emit()
    wait_for(qtbot, lambda: not box.save.isEnabled())
    assert "40:72" in box.trouble.text()
    box.close_button.click()


def test_what_changed(simulated, qtbot):
    workbench = ran(simulated, qtbot)
    again = workbench.run(mp.methods.Tikhonov(iterations=3, weight=0.5))
    wait_for(qtbot, lambda: finished(simulated))
    workbench.select(again)
    workbench.set_other(workbench.entries[1])
    choose(simulated, "What changed")
    box = dialog(ChangedDialog)
    assert [one.what for one in box.found] == ["method tikhonov: weight"]
    assert box.table.item(0, 1).text() == "0.5" and box.table.item(0, 2).text() == "automatic"
    box.copy.click()
    assert "| method tikhonov: weight | 0.5 | automatic |" in QApplication.clipboard().text()
    box.reject()


def test_code_of_data_in_memory_asks_for_a_file_once(simulated, qtbot, tmp_path, monkeypatch):
    workbench = ran(simulated, qtbot)
    entry = workbench.entries[1]
    workbench.select(entry)
    answer(monkeypatch, tmp_path / "m.h5")
    choose(simulated, "Copy as Python")
    wait_for(qtbot, lambda: "read_measurement" in QApplication.clipboard().text())
    names: dict = {}
    exec(QApplication.clipboard().text(), names)
    torch.testing.assert_close(names["result"].x, entry.result.x)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *given: (_ for _ in ()).throw(AssertionError("asked")))
    choose(simulated, "Copy as command")
    assert str(tmp_path / "m.h5") in QApplication.clipboard().text()


def test_the_name_chooses_the_format(simulated, qtbot, tmp_path, monkeypatch):
    workbench = ran(simulated, qtbot)
    workbench.select(workbench.entries[0])
    for name in ("x.ome.tif", "x.fits"):
        answer(monkeypatch, tmp_path / name)
        choose(simulated, "Save the picture")
        wait_for(qtbot, (tmp_path / name).exists)
        image, recipe = io.read_image(tmp_path / name)
        assert torch.equal(torch.from_numpy(image), workbench.entries[0].result.x[0, 0]) and recipe is not None
        assert io.read_pixel_size(tmp_path / name) == (0.5, "millimeter")
