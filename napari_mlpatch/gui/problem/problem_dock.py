"""The Problem dock: a measurement from a file, or one simulated from an image."""

from __future__ import annotations

from napari.viewer import Viewer
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QTabWidget, QVBoxLayout, QWidget

from napari_mlpatch.gui.plumbing.follow import follow
from napari_mlpatch.gui.plumbing.label import Note
from napari_mlpatch.workbench.workbench import Workbench

from .measured_page import MeasuredPage
from .simulate_page import SimulatePage


class ProblemDock(QWidget):
    """Two pages, *measured* and *simulated*, and below them what the current problem is."""

    def __init__(self, viewer: Viewer, workbench: Workbench):
        super().__init__()
        self.workbench = workbench
        self.pages = QTabWidget()
        self.measured = MeasuredPage(viewer, workbench)
        self.simulated = SimulatePage(viewer, workbench)
        self.pages.addTab(self.measured, "I have a measurement")
        self.pages.addTab(self.simulated, "I have an image")
        self.pages.setTabToolTip(0, "From a file: sinogram, projections, k-space, shear...")
        self.pages.setTabToolTip(1, "Simulate a measurement of an image, so that the truth is known")
        for page in (self.measured, self.simulated):
            page.taken.connect(lambda page=page: self.pages.setCurrentWidget(page))
        self.summary = Note()
        self.summary.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.summary.setAlignment(Qt.AlignmentFlag.AlignTop)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.addWidget(self.pages)
        layout.addWidget(self.summary, 1)
        follow(self, workbench.scene_changed, self._summarise)
        self._summarise()
        if workbench.scene is None:
            self._take_what_is_open(viewer)

    def _take_what_is_open(self, viewer: Viewer) -> None:
        """The newest measurement or simulated sample that was opened before there was this dock."""
        for layer in reversed(viewer.layers):
            if self.measured.take(layer) or self.simulated.take(layer):
                return

    def _summarise(self) -> None:
        scene = self.workbench.scene
        if scene is None:
            self.summary.setText("No problem yet.")
            return
        problem = scene.problem
        shape = " x ".join(map(str, problem.A.range_shape))
        image = " x ".join(map(str, problem.A.domain_shape))
        noise = "unknown" if problem.noise_std is None else f"standard deviation {problem.noise_std:.4g}"
        lines = [
            f"<b>{scene.title}</b>",
            f"{getattr(problem.A, 'title', type(problem.A).__name__)}: measurement {shape}, image {image}",
            f"noise: {noise}; truth: {'known' if problem.truth is not None else 'unknown'}",
            *scene.notes,
            *problem.remarks,
        ]
        self.summary.setText("<br>".join(lines))
