"""The window: docks, layers and readers for napari. Computes nothing itself."""

from __future__ import annotations

from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QWidget

from .session import session


def open_workbench() -> QWidget:
    """All docks; the returned home dock says what to do next."""
    from .home_dock import HomeDock

    here = session()
    QTimer.singleShot(0, here.open_all)  # napari adds the returned widget first
    return HomeDock(here)


def open_problem() -> QWidget:
    return session().dock("Problem")


def open_reconstruct() -> QWidget:
    return session().dock("Reconstruct")


def open_compare() -> QWidget:
    return session().dock("Compare")


def open_microscope() -> QWidget:
    return session().dock("Patch microscope")


def open_zoom() -> QWidget:
    return session().dock("Zoom")


def open_all_slices() -> QWidget:
    return session().dock("All slices")


def open_train() -> QWidget:
    return session().dock("Train")


def save_session() -> None:
    """Everything of the workbench into one folder."""
    here = session()
    here.stage.sessions.save(here.viewer.window._qt_window)


def open_session() -> None:
    """The docks, and in them everything as it was saved."""
    here = session()
    here.open_all()
    here.stage.sessions.open(here.viewer.window._qt_window)
