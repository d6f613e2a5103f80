"""One real viewer with the workbench, and a way to wait for it."""

from __future__ import annotations

import pytest

pytest.importorskip("napari")


@pytest.fixture
def session(make_napari_viewer, qtbot):
    """A viewer's session with all docks open; closed with the viewer."""
    from napari_mlpatch.gui.session import Session, session

    viewer = make_napari_viewer()
    here: Session = session(viewer)
    here.open_all()
    yield here
    here.workbench.close()


@pytest.fixture
def phantom():
    from napari_mlpatch import io

    return io.samples.image("shepp-logan", size=64)


@pytest.fixture
def simulated(session, phantom, qtbot):
    """The session with a problem simulated from the phantom through the form."""
    page = session.docks["Problem"].simulated
    session.viewer.add_image(phantom, name="phantom", scale=(0.5, 0.5), units=("mm", "mm"))
    page.operator_form.set_values({"angles_deg": "0:180:30"})
    with qtbot.waitSignal(_Watch(session.workbench.scene_changed).fired, timeout=60_000):
        page.simulate.click()
    qtbot.waitUntil(
        lambda: all(session.stage.scenes[role] is not None for role in ("measurement", "preview", "truth")),
        timeout=60_000,
    )
    return session


class _Watch:
    """A psygnal signal as a Qt signal, for qtbot."""

    def __init__(self, signal):
        from qtpy.QtCore import QObject, Signal

        class Relay(QObject):
            fired = Signal()

        self._relay = Relay()
        self.fired = self._relay.fired
        signal.connect(lambda *_: self._relay.fired.emit())
