"""What a training learns: the noise levels of a denoiser, or the operator and the noise of a reconstructor."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFormLayout, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from napari_mlpatch.core.declare import PYTHON, build, describe
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.registry import noises, operators
from napari_mlpatch.gui.forms.boxes import NumberBox
from napari_mlpatch.gui.plumbing.follow import follow
from napari_mlpatch.gui.plumbing.label import Note
from napari_mlpatch.gui.plumbing.notify import show_error
from napari_mlpatch.training import Denoise, Reconstruct, Task
from napari_mlpatch.training.examples import example_operator
from napari_mlpatch.workbench.workbench import Workbench


class TaskForm(QWidget):
    """Shows the part of a task that its role has; ``role`` is that of the chosen architecture."""

    taken = Signal()
    """Operator and noise were taken from the present problem."""

    def __init__(self, workbench: Workbench):
        super().__init__()
        self.workbench = workbench
        self.role = "denoiser"
        self._known: dict[str, Task] = {"denoiser": Denoise(), "reconstructor": Reconstruct(*example_operator(64))}
        """What was opened last, of each role."""
        self.low, self.high = NumberBox(0.0), NumberBox(0.0)
        for box, word in ((self.low, "Lowest"), (self.high, "Highest")):
            box.setToolTip(f"{word} standard deviation of the noise; 0 and 1 are black and white")
        noise = QWidget()
        row = QHBoxLayout(noise)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(3)
        row.addWidget(self.low, 1)
        row.addWidget(QLabel("to"))
        row.addWidget(self.high, 1)
        self.levels, self.problem = QWidget(), QWidget()
        self.form = QFormLayout(self.levels)
        self.operator_form = QFormLayout()
        self.operator, self.noise = Note(), Note()
        for form in (self.form, self.operator_form):
            form.setContentsMargins(0, 0, 0, 0)
            form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        self.form.addRow("noise level", noise)
        for word, label in (("operator", self.operator), ("noise", self.noise)):
            self.operator_form.addRow(word, label)
        self.use = QPushButton("Use the present problem")
        self.use.setToolTip("Train for the operator and the noise of the measurement in the Problem dock")
        inside = QVBoxLayout(self.problem)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.addLayout(self.operator_form)
        inside.addWidget(self.use)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.levels)
        layout.addWidget(self.problem)
        self.use.clicked.connect(self._use)
        follow(self, workbench.scene_changed, self._offer)
        self._offer()

    @property
    def forms(self) -> list[QFormLayout]:
        return [self.form, self.operator_form]

    def set_task(self, task: Task) -> None:
        self._known[task.role] = task
        self.set_role(task.role)

    def set_role(self, role: str) -> None:
        self.role = role
        task = self._known[role]
        self.levels.setVisible(isinstance(task, Denoise))
        self.problem.setVisible(isinstance(task, Reconstruct))
        if isinstance(task, Denoise):
            self.low.setValue(task.sigma[0])
            self.high.setValue(task.sigma[1])
            self._shown = (self.low.value(), self.high.value())
        if isinstance(task, Reconstruct):
            A = task.operator
            sizes = " to ".join(" x ".join(map(str, shape)) for shape in (A.domain_shape, A.range_shape))
            self.operator.setText(f"{A.title}, {sizes}")
            self.noise.setText("none" if task.noise is None else _in_words(task.noise))

    def task(self) -> dict[str, Any]:
        """Name and parameters. Raises InputError."""
        found = describe(self._known[self.role])
        if self.role == "denoiser" and (self.low.value(), self.high.value()) != self._shown:
            found["params"]["sigma"] = [self.low.value(), self.high.value()]
        return found

    def values(self) -> dict[str, Any]:
        """The parameters, as JSON has them."""
        return describe(self._known[self.role])["params"]

    @property
    def picture_shape(self) -> tuple[int, ...]:
        """Of the operator; empty for denoisers."""
        task = self._known[self.role]
        return task.operator.domain_shape if isinstance(task, Reconstruct) else ()

    @property
    def complex_picture(self) -> bool:
        task = self._known[self.role]
        return isinstance(task, Reconstruct) and bool(task.operator.complex_image or task.phase)

    def _offer(self) -> None:
        self.use.setEnabled(self.workbench.scene is not None)

    def _use(self) -> None:
        try:
            self.use_problem()
        except InputError as error:
            show_error(str(error))

    def use_problem(self) -> None:
        """Take operator and noise from the workbench. Raises InputError where they cannot be written into a recipe."""
        if self.workbench.scene is None:
            raise InputError("There is no problem yet. Simulate one or open a measurement.")
        problem = self.workbench.scene.problem
        described = describe(problem.A)
        if described["name"].startswith(PYTHON):
            raise InputError("The operator was made from Python functions, which no recipe can hold: train in Python.")
        noise = problem.noise
        if noise is None and problem.noise_std:
            noise = build(noises, {"name": "gaussian", "params": {"std": problem.noise_std}})
        before = describe(self._known["reconstructor"])["params"]
        known = before | {"operator": build(operators, described), "noise": noise}
        if known["operator"].complex_image is False:
            known["phase"] = 0.0
        self.set_task(Reconstruct(**known))
        self.taken.emit()


def _in_words(noise: Any) -> str:
    params = describe(noise)["params"]
    given = ", ".join(f"{name.replace('_', ' ')} {value:.4g}" for name, value in params.items() if value is not None)
    return f"{noise.title}: {given}" if given else noise.title
