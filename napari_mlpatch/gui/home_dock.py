"""The Workbench dock: where things stand, and what to do next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QMenu, QPushButton, QVBoxLayout, QWidget

from napari_mlpatch import io
from napari_mlpatch.workbench.captions import figure

from .forms.form import section
from .plumbing.follow import follow
from .plumbing.label import Note

if TYPE_CHECKING:
    from napari_mlpatch.io.simulations import Simulation

    from .problem.problem_dock import ProblemDock
    from .session import Session

SAMPLE = "body-ct-60"
"""What is offered first: learned methods were trained for it."""


class HomeDock(QWidget):
    """Three steps, each with what has been done in it and a button that leads there."""

    def __init__(self, session: Session):
        super().__init__()
        self.session = session
        layout = QVBoxLayout(self)
        self.lines: dict[str, Note] = {}
        for number, (name, text) in enumerate(
            (
                ("Problem", "Load a measurement, or simulate one from an image"),
                ("Reconstruct", "Choose methods and run them"),
                ("Compare", "Look at pictures, residuals and figures; take them away"),
                ("All slices", "Reconstruct a whole stack as one of its slices was"),
                ("Patch microscope", "See where an MLPatch network looks when it makes a pixel"),
                ("Zoom", "Evaluate an MLPatch network between the pixels"),
                ("Train", "Make weights of your own"),
            ),
            start=1,
        ):
            button = QPushButton(f"{number}  {name}")
            button.setToolTip(f"Bring the {name} dock to the front")
            button.clicked.connect(lambda _=False, name=name: session.show(name))
            line = Note(text)
            layout.addWidget(button)
            layout.addWidget(line)
            self.lines[name] = line
        first = io.simulations.find(SAMPLE)
        self.sample, self.samples = QPushButton(f"Try {first.title}"), QPushButton("Other samples")
        self.sample.setToolTip(
            "Simulate this measurement; then step 2 runs methods on it. Its truth is known, and learned methods were "
            "trained for it"
        )
        self.samples.setToolTip("Measured and simulated problems that come with the program")
        self.sample.clicked.connect(lambda: self._simulate(first))
        self.samples.setMenu(self._menu())
        layout.addWidget(section("Nothing at hand?"))
        layout.addWidget(self.sample)
        layout.addWidget(self.samples)
        tip = Note("Or drop a sinogram (TIFF, NPY, NPZ, HDF5, MAT...) onto the window.")
        layout.addWidget(tip)
        layout.addStretch(1)
        follow(self, session.workbench.scene_changed, self._update)
        follow(self, session.workbench.entries_changed, self._update)
        self._update()

    def _menu(self) -> QMenu:
        menu = QMenu(self)
        for name in io.samples.names("measurement"):
            menu.addAction(io.samples.describe(name).title, lambda name=name: self._measure(name))
        menu.addSeparator()
        for made in io.simulations.SIMULATIONS:
            menu.addAction(made.title, lambda made=made: self._simulate(made))
        return menu

    def _problem(self) -> ProblemDock:
        """The dock that samples go through; this one stays in front."""
        from .problem.problem_dock import ProblemDock

        self.session.open("Problem")
        dock = self.session.docks["Problem"]
        assert isinstance(dock, ProblemDock)
        return dock

    def _measure(self, name: str) -> None:
        dock = self._problem()
        dock.pages.setCurrentWidget(dock.measured)
        dock.measured.load_sample(name)

    def _simulate(self, made: Simulation) -> None:
        self._problem().simulated.add_sample(made.image, made.name)

    def _update(self) -> None:
        workbench = self.session.workbench
        if workbench.scene is not None:
            self.lines["Problem"].setText(f"✓ {workbench.scene.title}")
        running = sum(e.job.active for e in workbench.entries)
        done = sum(e.result is not None for e in workbench.entries)
        if running or done:
            self.lines["Reconstruct"].setText(f"{running} running or queued, {done} done")
        rated = [e for e in workbench.present if e.result and "psnr" in e.result.metrics]
        if rated:
            best = max(rated, key=lambda e: e.result.metrics["psnr"])  # type: ignore[union-attr]
            self.lines["Compare"].setText(f"best so far: {best.named.short}, {figure(best)}")
