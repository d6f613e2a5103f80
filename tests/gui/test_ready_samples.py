"""Samples with operator and noise: opened from napari's menu, they are ready to run."""

import pytest

from napari_mlpatch import io
from napari_mlpatch.core.declare import describe


@pytest.fixture
def small(monkeypatch):
    """The simulated sample as a smaller picture."""
    whole = io.samples.image

    def image(name, *options, **more):
        found = whole(name, *options, **more)
        return found[::4, ::4].copy() if name == "body-slice" else found

    monkeypatch.setattr(io.samples, "image", image)


def is_ready(session):
    page, scene = session.docks["Problem"].simulated, session.workbench.scene
    made = io.simulations.find("body-ct-60")
    if scene is None:
        return False
    assert session.docks["Problem"].pages.currentWidget() is page
    assert page.operator.currentData() == type(scene.problem.A).name == made.operator["name"]
    A = scene.problem.A
    assert len(A.angles_deg) == 60 and describe(page.operator_form.build(image_shape=A.image_shape)) == describe(A)
    assert page.noise_form.values()["relative"] == made.noise["params"]["relative"]
    assert page.seed.value() == made.seed == scene.problem.source["seed"]
    assert scene.problem.truth is not None
    [preview] = [la for la in session.viewer.layers if la.metadata.get("mlpatch", {}).get("role") == "preview"]
    return preview.visible and session.docks["Reconstruct"].run_button.isEnabled()


def test_opened_beside_the_workbench(session, qtbot, small):
    from napari_mlpatch.gui.problem.samples import load_body_ct_60

    [(data, about, kind)] = load_body_ct_60()
    session.viewer._add_layer_from_data(data, about, kind)
    qtbot.waitUntil(lambda: is_ready(session), timeout=60_000)


def test_opened_before_the_workbench(make_napari_viewer, qtbot, small):
    from napari_mlpatch.gui import session
    from napari_mlpatch.gui.problem.samples import load_body_ct_60

    viewer = make_napari_viewer()
    [(data, about, kind)] = load_body_ct_60()
    viewer._add_layer_from_data(data, about, kind)
    here = session(viewer)
    try:
        here.open_all()
        qtbot.waitUntil(lambda: is_ready(here), timeout=60_000)
        scene = here.workbench.scene
        here.docks["Problem"].deleteLater()
        viewer.window.remove_dock_widget(viewer.window._wrapped_dock_widgets["Problem (MLPatch)"])
        here.open("Problem")
        assert here.workbench.scene is scene, "opened again, the dock does not simulate again"
    finally:
        here.workbench.close()


def test_a_measurement_turns_to_its_own_page(session, qtbot):
    from napari_mlpatch.gui.problem.samples import load_cosmos_shear

    dock = session.docks["Problem"]
    dock.pages.setCurrentWidget(dock.simulated)
    [(data, about, kind)] = load_cosmos_shear()
    session.viewer._add_layer_from_data(data, about, kind)
    assert dock.pages.currentWidget() is dock.measured
    qtbot.waitUntil(lambda: session.workbench.scene is not None, timeout=60_000)
