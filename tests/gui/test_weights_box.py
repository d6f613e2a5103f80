"""The weights chooser of the Reconstruct dock: what fits, why others do not; files are opened by jobs."""

import threading

import pytest

import napari_mlpatch as mp
from napari_mlpatch import networks, weights
from napari_mlpatch.core.recipe import Description, describe
from napari_mlpatch.gui.forms.weights_box import card_text
from napari_mlpatch.weights import zoo
from napari_mlpatch.workbench.said import said


@pytest.fixture
def own(simulated, tmp_path, monkeypatch):
    """The session, with two U-Nets of the user's: for this scan, and for one of other angles."""
    monkeypatch.setenv("MLPATCH_WEIGHTS", str(tmp_path))
    A = simulated.workbench.scene.problem.A
    few = mp.operators.ParallelBeam(A.image_shape, "0:180:12", A.detector_count)
    network = networks.build("fbpconvnet", {"width": 2, "depth": 1})
    about = {"method": "unet", "data": "none", "steps": 0, "seed": 0, "metrics": {}, "licence": "none"}
    for name, operator in (("a-few", few), ("b-this", A), ("c-blur", mp.operators.Blur(A.domain_shape))):
        made = {
            "architecture": Description(**networks.describe(network)),
            "operator": Description(**describe(operator)),
        }
        weights.save(tmp_path, network.state_dict(), name=name, title=name, **about, **made)
        next(network.parameters()).data += 0.01  # another fingerprint
    simulated.workbench.weights_changed.emit()
    return simulated


def choose(dock, name):
    """By hand."""
    dock.weights.setCurrentIndex(dock.weights.findData(name))
    dock.weights.activated.emit(dock.weights.currentIndex())


def rows(box):
    """Whether each can be chosen, and its tooltip, by name."""
    return {
        box.itemData(k): (box.model().item(k).isEnabled(), box.model().item(k).toolTip()) for k in range(box.count())
    }


def test_what_fits_can_be_chosen(own, monkeypatch):
    dock = own.docks["Reconstruct"]
    dock.method.setCurrentIndex(dock.method.findData("unet"))
    found = rows(dock.weights)
    enabled = [can_be_chosen for can_be_chosen, _ in found.values()]
    assert enabled == sorted(enabled, reverse=True), "what is refused stands below"
    assert "operator 'blur', not for 'parallel-beam'" in found["c-blur"][1]
    assert "are a denoiser, not for the method 'unet'" in found["mlpatch-gray"][1]
    assert "for 12 angles, this has 30" in found["a-few"][1] and "angles, this" not in found["b-this"][1]
    assert list(found)[:2] == ["b-this", "a-few"], "what was trained for just this comes first"
    assert dock.weights.currentData() == "b-this" and dock.run_button.isEnabled() and dock.reason.text() == ""
    choose(dock, "a-few")
    assert dock.reason.isVisibleTo(dock) and "for 12 angles, this has 30" in dock.reason.text()
    assert "for 12 angles, this has 30" in dock.weights.toolTip()
    dock._offer_weights()
    assert dock.weights.currentData() == "a-few", "the choice stays"
    others = [card for card in weights.available() if card.method != "unrolled"]
    monkeypatch.setattr(weights, "available", lambda: others)
    dock.method.setCurrentIndex(dock.method.findData("unrolled"))
    assert dock.weights.currentData() is None and dock.weights.currentText() == "none of these fits"
    assert not dock.run_button.isEnabled() and "needs trained weights of its own kind" in dock.reason.text()
    assert said(dock.weights.why_none()) in dock.reason.text(), "and why not what is nearest"


def test_a_denoiser_without_weights_needs_none(simulated):
    dock = simulated.docks["Reconstruct"]
    dock.method.setCurrentIndex(dock.method.findData("pnp-admm"))
    assert dock.weights.isEnabled() and dock.weights.currentData()
    dock.form.set_values({"denoiser": "tv"})
    dock.form.changed.emit()
    assert not dock.weights.isEnabled() and dock.weights.currentText() == "none needed"
    assert dock.run_button.isEnabled()
    dock.form.set_values({"denoiser": "network"})
    dock.form.changed.emit()
    assert dock.weights.isEnabled() and dock.weights.currentData()


def test_no_file_is_opened_on_the_windows_thread(own, qtbot, monkeypatch):
    readers, load = [], zoo.load

    def watched(path):
        readers.append(threading.current_thread())
        return load(path)

    monkeypatch.setattr(zoo, "load", watched)
    dock = own.docks["Reconstruct"]
    dock.method.setCurrentIndex(dock.method.findData("unet"))
    choose(dock, "a-few")
    dock._estimate()
    dock.run_button.click()
    (entry,) = own.workbench.entries
    qtbot.waitUntil(lambda: not entry.job.active, timeout=60_000)
    assert entry.job.state == "done" and "for 12 angles, this has 30" in entry.result.remark
    assert readers and threading.main_thread() not in readers
    assert entry.job.network.card.name == "a-few" and entry.result.recipe.weights == entry.job.network.card.sha256


def test_another_problem_is_offered_its_own_weights(own, phantom, qtbot):
    dock, page = own.docks["Reconstruct"], own.docks["Problem"].simulated
    dock.method.setCurrentIndex(dock.method.findData("unet"))
    assert dock.weights.currentData() == "b-this"
    choose(dock, "b-this")
    page.operator_form.set_values({"angles_deg": "0:180:12"})
    before = own.workbench.scene
    page.simulate.click()
    qtbot.waitUntil(lambda: own.workbench.scene is not before, timeout=60_000)
    assert dock.weights.currentData() == "a-few", "chosen by hand for another problem, and not as good for this one"


def test_weights_that_are_gone_when_the_job_begins(own, qtbot, tmp_path):
    dock = own.docks["Reconstruct"]
    dock.method.setCurrentIndex(dock.method.findData("unet"))
    for file in tmp_path.glob("b-this.*"):
        file.unlink()
    failures = []
    own.workbench.failed.connect(failures.append)
    dock.run_button.click()
    qtbot.waitUntil(lambda: bool(failures), timeout=60_000)
    assert "Unknown weights" in failures[0] and not own.workbench.entries


def test_the_card_says_in_which_units_figures_are(tmp_path):
    network = networks.build("fbpconvnet", {"width": 2, "depth": 1})
    about = {"data": "none", "steps": 0, "seed": 0, "licence": "none"}
    made = Description(**networks.describe(network))
    metrics = {"psnr": 31.25, "ssim": 0.875}
    card = weights.save(
        tmp_path, network.state_dict(), name="a", title="A", method="unet", metrics=metrics, architecture=made, **about
    )
    assert "psnr 31.25 dB<br>ssim 0.8750<br>" in card_text(card)
