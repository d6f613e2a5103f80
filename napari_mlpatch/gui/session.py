"""What the docks of one viewer share, and where they stand in its window."""

from __future__ import annotations

import contextlib
import importlib
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING

import napari
from qtpy.QtCore import QEvent, QObject, Qt, QTimer, Signal
from qtpy.QtWidgets import QMainWindow, QScrollArea, QTabBar, QTabWidget, QWidget

from napari_mlpatch.core.errors import InputError

from .plumbing.share_place import ShareWhenLow, give_room, share_place

if TYPE_CHECKING:
    from napari.viewer import Viewer

    from napari_mlpatch.stacks.opened import Opened
    from napari_mlpatch.workbench.workbench import Workbench

    from .compare.stage import Stage
    from .stacks.volume_layer import VolumeLayers

DOCKS = ("Problem", "Reconstruct", "Compare")
MORE = {
    "All slices": ("stacks.all_slices_dock", "AllSlicesDock"),
    "Patch microscope": ("explore.microscope_dock", "MicroscopeDock"),
    "Zoom": ("explore.zoom_dock", "ZoomDock"),
    "Train": ("train.train_dock", "TrainDock"),
}
"""Docks that are opened one by one: module and class, made with the viewer and the workbench."""

WIDTH = 360
"""Pixels that every dock on the right gets along with, its scroll bar included."""
LOW = 760
"""Pixels of a window in which not everything finds its place."""
LOWEST = 96
"""Pixels of the dock below the canvas, in a low window."""
HEAD_START = 0.4
"""Seconds that a job waits until its picture has a layer."""
LOAD_MS = 300
"""Until PyTorch is loaded in the background, from the newest dock on: first the docks appear."""


class _Post(QObject):
    """Runs functions on the thread that this object lives on: the GUI thread."""

    _wanted = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._wanted.connect(lambda f: f(), Qt.ConnectionType.QueuedConnection)

    def __call__(self, function: Callable[[], None]) -> None:
        with contextlib.suppress(RuntimeError):  # the window may be gone while a job is still ending
            self._wanted.emit(function)


class Session:
    """What all docks of one viewer share."""

    def __init__(self, viewer: Viewer):
        from .plumbing.garbage import GuiThreadGarbage

        self._garbage = GuiThreadGarbage()  # before the long imports, which automatic collection holds up by a quarter
        from napari_mlpatch.workbench.workbench import Workbench

        from .compare.stage import Stage
        from .leave.writer_first import writer_first
        from .plumbing.canvas import free_in_own_context
        from .plumbing.controls_later import controls_later
        from .plumbing.letters import draw_soon
        from .plumbing.memory import memory, renew
        from .plumbing.notify import show_error
        from .plumbing.programs import compile_once
        from .plumbing.shade import light_boxes
        from .stacks.volume_layer import VolumeLayers

        self.viewer = viewer
        # Upright, so that the names of six docks can be read.
        viewer.window._qt_window.setTabPosition(Qt.DockWidgetArea.RightDockWidgetArea, QTabWidget.TabPosition.East)
        free_in_own_context(viewer)
        controls_later(viewer)
        compile_once()
        writer_first()
        light_boxes()
        renew()
        self._post = _Post()
        self.workbench: Workbench = Workbench(self._post, HEAD_START)
        self.stage: Stage = Stage(viewer, self.workbench, self._post)
        self.workbench.failed.connect(show_error)
        self.volumes: VolumeLayers = VolumeLayers(viewer, self.workbench)
        self.workbench.stacks.wanted.connect(lambda: self.show("All slices"))
        self.workbench.devices_changed.connect(self._garbage.freeze)
        self._load = QTimer()
        self._load.setSingleShot(True)
        self._load.setInterval(LOAD_MS)
        self._load.timeout.connect(self._prepare_layers)
        self._load.timeout.connect(lambda: draw_soon(viewer))
        self._load.timeout.connect(self._follow_preferences)
        self._load.timeout.connect(self.workbench.load)
        self._load.start()
        viewer.window._qt_window.destroyed.connect(self.workbench.close)
        viewer.window._qt_window.destroyed.connect(self.stage.close)
        viewer.window._qt_window.destroyed.connect(self._garbage.close)
        viewer.window._qt_window.destroyed.connect(lambda: memory().save())
        self.docks: dict[str, QWidget] = {}

    def _prepare_layers(self) -> None:
        """What napari makes for a first layer is there before it comes."""
        from .plumbing.controls_later import controls_ahead
        from .plumbing.units_ready import read_units

        its = weakref.ref(self)

        def controls() -> None:
            here = its()
            with contextlib.suppress(RuntimeError):  # the window is gone
                if here is not None:
                    controls_ahead(here.viewer)

        read_units(self._post, controls)

    def _follow_preferences(self) -> None:
        """Not before the docks are there: napari reads the manifests of all plugins for it, which takes 0.1 s."""
        from .leave.preferences import follow_preferences

        follow_preferences(self.workbench)

    def dock(self, name: str) -> QWidget:
        """The dock of that name, made where the user has closed it or not opened it yet."""
        from .compare.compare_dock import CompareDock
        from .plumbing.tab_order import follow_the_eye
        from .plumbing.wheel import still
        from .problem.problem_dock import ProblemDock
        from .reconstruct.reconstruct_dock import ReconstructDock

        if name == "Problem":
            problem = ProblemDock(self.viewer, self.workbench)
            problem.measured.asks.connect(lambda: self.show("Problem"))  # it may be behind another one
            widget: QWidget = problem
        elif name == "Reconstruct":
            widget = ReconstructDock(self.workbench)
        elif name == "Compare":
            widget = CompareDock(self.workbench, self.stage)
        else:
            module, cls = MORE[name]
            widget = getattr(importlib.import_module(f".{module}", __package__), cls)(self.viewer, self.workbench)
        self.docks[name] = widget
        widget.destroyed.connect(lambda: self._closed(name, widget))
        still(widget)
        follow_the_eye(widget)
        return _low(widget) if name == "Compare" else _scrolling(widget)

    def _closed(self, name: str, widget: QWidget) -> None:
        if self.docks.get(name) is widget:  # it may have been opened again already
            del self.docks[name]

    def open(self, name: str) -> None:
        """Add a dock to the window unless it is there, named as napari's Plugins menu names it."""
        title = f"{name} (MLPatch)"
        if title not in self.viewer.window.dock_widgets:
            area = "bottom" if name == "Compare" else "right"
            if name == "Compare" and self.viewer.window._qt_window.height() < LOW:
                share_place(self.viewer.window._qt_window)
            dock = self.viewer.window.add_dock_widget(self.dock(name), name=title, area=area, tabify=area == "right")
            dock.setWindowTitle(name)  # short, for the tab
            plain_tabs(self.viewer.window._qt_window)
            if self._load.isActive():
                self._load.start()
            if name == "Compare":
                give_room(self.viewer.window._qt_window, dock)
                ShareWhenLow(self.viewer.window._qt_window, dock)

    def open_all(self) -> None:
        """All docks in order; in front the one that says what to do next, else the first."""
        home = self.viewer.window._wrapped_dock_widgets.get("Workbench (MLPatch)")
        if home is not None:
            home.setWindowTitle("Workbench")
        for name in DOCKS:
            self.open(name)
        if home is None:
            self.show("Problem")
        else:
            QTimer.singleShot(0, home.raise_)  # once its tab is there

    def show(self, name: str) -> None:
        """Bring a dock to the front."""
        self.open(name)
        dock = self.viewer.window._wrapped_dock_widgets[f"{name} (MLPatch)"]
        dock.show()
        dock.raise_()

    def go_on_with(self, opened: Opened) -> None:
        """Offer to go on with a run over a stack that has ended early, unless it is going on here."""
        from napari_mlpatch.workbench.stacks import base_of_volume

        stacks = self.workbench.stacks
        if stacks.running:
            return
        try:
            base = base_of_volume(opened)
        except InputError as error:
            self.workbench.failed.emit(str(error))
            return
        self.show("All slices")
        stacks.continued.emit(base)


def plain_tabs(window: QMainWindow) -> None:
    """The tabs of docks have no line along the docks, which Qt draws in black beside napari's light theme."""
    for bar in window.findChildren(QTabBar, options=Qt.FindChildOption.FindDirectChildrenOnly):
        bar.setDrawBase(False)


def session(viewer: Viewer | None = None) -> Session:
    """The one session of a viewer (the current one by default)."""
    viewer = viewer or napari.current_viewer()
    if viewer is None:
        raise RuntimeError("There is no napari viewer: start napari first.")
    window = viewer.window._qt_window
    found = getattr(window, "_mlpatch_session", None)
    if found is None:
        found = Session(viewer)
        window._mlpatch_session = found
    return found


def open_session() -> Session | None:
    """That of the current viewer, if it has one: no dock may be open, and there may be no viewer."""
    viewer = napari.current_viewer()
    return None if viewer is None else getattr(viewer.window._qt_window, "_mlpatch_session", None)


def _scrolling(widget: QWidget) -> QScrollArea:
    """A dock that is taller than the window scrolls."""
    area = _Closing()
    area.setWidget(widget)
    area.setWidgetResizable(True)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setMinimumWidth(WIDTH)  # whatever is shown in it
    return area


def _low(widget: QWidget) -> QScrollArea:
    """A dock below the canvas scrolls where the window is low: beside napari's own it would not fit a small screen."""
    area = _Closing()
    area.setWidget(widget)
    area.setWidgetResizable(True)
    area.setFrameShape(QScrollArea.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setMinimumSize(widget.minimumSizeHint().width(), LOWEST)
    return area


class _Closing(QScrollArea):
    """Is deleted with its dock: napari only takes it out, and it would go on listening until Python frees it."""

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ParentChange and self.parent() is None:
            self.deleteLater()
        return super().event(event)
