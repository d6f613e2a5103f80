"""One real viewer with the workbench, and a way to wait for it."""

from __future__ import annotations

import threading

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
    with qtbot.waitSignal(_Watch(session.workbench.scene_changed).fired, timeout=20_000):
        page.simulate.click()
    return session


class Gate:
    """Holds a worker thread before a piece of work until it is opened: "while it computes", on any machine."""

    PATIENCE = 120.0

    def __init__(self):
        self._reached, self._open = threading.Event(), threading.Event()

    def before(self, work):
        """``work``, but held."""

        def held(*args, **kwargs):
            self._reached.set()
            assert self._open.wait(self.PATIENCE), "nobody opened the gate"
            return work(*args, **kwargs)

        return held

    @property
    def reached(self):
        """Whether a thread stands before it, or has passed."""
        return self._reached.is_set()

    def open(self):
        self._open.set()


@pytest.fixture
def gate():
    """A closed gate; opened at the latest when the test has ended, so that no thread is left waiting."""
    gate = Gate()
    yield gate
    gate.open()


class _Watch:
    """A psygnal signal as a Qt signal, for qtbot."""

    def __init__(self, signal):
        from qtpy.QtCore import QObject, Signal

        class Relay(QObject):
            fired = Signal()

        self._relay = Relay()
        self.fired = self._relay.fired
        signal.connect(lambda *_: self._relay.fired.emit())
