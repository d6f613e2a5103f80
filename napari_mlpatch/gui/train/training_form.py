"""A form for training recipes. What it does not show, and what nobody has changed, stays as it was opened."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qtpy.QtCore import QRegularExpression, Signal
from qtpy.QtGui import QRegularExpressionValidator, QShowEvent
from qtpy.QtWidgets import QFormLayout, QLineEdit, QVBoxLayout, QWidget
from superqt import QCollapsible

from napari_mlpatch.core.declare import build, parameters
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.files import exists, path_of
from napari_mlpatch.core.registry import architectures
from napari_mlpatch.gui.forms.boxes import short
from napari_mlpatch.gui.forms.columns import align, tight
from napari_mlpatch.gui.forms.form import DeclarationForm, section
from napari_mlpatch.gui.plumbing.follow import follow
from napari_mlpatch.gui.plumbing.tab_order import order_soon
from napari_mlpatch.training import Denoise, Files, Pairs, Reconstruct, TrainingRecipe
from napari_mlpatch.workbench.workbench import Workbench

from .training_data import DataForm
from .training_rows import Rows, changed
from .training_task import TaskForm

MAIN = {
    "steps": "how many times the weights are changed",
    "images": "so many images are read for a step",
    "pixels": "so many random pixels of each image are read, with what is around them",
    "crop": "side of the random square that is read of each image, in pixels",
    "lr": "largest learning rate: it rises at first, then falls along a cosine",
    "seed": "the same seed makes the same weights",
    "minutes": "the training ends after so many minutes, if the steps are not done before, its weights written",
}
MORE = {
    "validate_every": "so many steps between two looks at the images held out",
    "loss": "mean of squares (l2) or of absolute values (l1)",
    "balance": "divide the error by the noise level, so that low noise counts as much as high",
    "augment": "random flips and transpositions",
    "normalise": "scale each item, so that pictures scale exactly with the data",
    "phase": "standard deviation of a random smooth phase of the images, for complex pictures (MRI)",
    "warmup": "steps in which the learning rate rises",
    "clip": "largest norm of a gradient",
    "ema": "decay of the averaged weights, which are the ones that are kept",
    "precision": "numbers in the perceptrons and convolutions",
    "store": "numbers in the file of the weights; float16 halves it",
    "snapshots": "so many times a patch network is kept on the way, for the patch microscope to play",
    "part": "so many pixels are differentiated at a time; bounds the memory, changes nothing else",
}


class TrainingForm(QWidget):
    """Name, network, images, training. ``changed`` when the user is done with a change."""

    changed = Signal()

    def __init__(self, workbench: Workbench, recipe: TrainingRecipe, root: Path):
        super().__init__()
        self.workbench = workbench
        self._opened, self.root = recipe, root
        self._params: dict[str, Any] = {}
        self._shown: dict[str, Any] = {}

        self.title, self.name = QLineEdit(), QLineEdit()
        self.title.setToolTip("As the lists of weights show it")
        self.name.setToolTip("Of the files; lower-case letters, digits and . _ -")
        self.name.setValidator(QRegularExpressionValidator(QRegularExpression("[a-z0-9][a-z0-9._-]*"), self))
        self.network = short()
        for cls in architectures:
            self.network.addItem(cls.title, cls.name)
        self.network.setToolTip("The architecture: a denoiser, or a network that reconstructs")
        self.params = QCollapsible("Parameters of the network")
        self.params.toggleButton().setToolTip("Width, depth and the like; more is better and slower")
        self.params_form: DeclarationForm | None = None
        self.data = DataForm()
        self.task = TaskForm(workbench)
        self.low, self.high = self.task.low, self.task.high
        models = (TrainingRecipe, Denoise, Reconstruct)
        self.main, self.more = Rows(models, MAIN, none_means="no limit"), Rows(models, MORE)
        self.device = short()
        self.device.setToolTip("Where it is trained: the processor (cpu), or a graphics card (cuda)")
        self._lay_out()

        self.set_recipe(recipe, root)
        self.network.activated.connect(self._network_chosen)
        self.task.taken.connect(self._problem_taken)
        for signal in (self.main.changed, self.more.changed, self.data.changed, self.name.editingFinished):
            signal.connect(self.changed)
        follow(self, workbench.devices_changed, self._offer_devices)

    def _lay_out(self) -> None:
        def rows(*pairs: tuple[str, QWidget]) -> QFormLayout:
            form = QFormLayout()
            form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
            for label, widget in pairs:
                form.addRow(label, widget)
            return form

        more = QCollapsible("More")
        more.toggleButton().setToolTip("Loss, precision and other details of the training")
        for box in (self.params, more):
            tight(box)
        more.addWidget(self.more)
        names, network = rows(("title", self.title), ("name", self.name)), rows(("architecture", self.network))
        device = rows(("device", self.device))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(names)
        layout.addWidget(section("Network"))
        layout.addLayout(network)
        layout.addWidget(self.params)
        layout.addWidget(section("Images"))
        layout.addWidget(self.data)
        layout.addWidget(section("Training"))
        layout.addWidget(self.task)
        layout.addWidget(self.main)
        layout.addLayout(device)
        layout.addWidget(more)
        self.forms = [names, network, *self.data.forms, *self.task.forms, self.main.form, device]

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        align(*self.forms)  # now that the window's font is known

    # ---- to and from recipes --------------------------------------------------------------------------------

    def set_recipe(self, recipe: TrainingRecipe, root: Path) -> None:
        """Show a recipe whose relative paths start at ``root``. Raises InputError for an unknown architecture."""
        architectures.get(recipe.network.name)
        self._opened, self.root = recipe, root
        self.task.set_task(recipe.task)
        values = _rows_of(recipe)
        self.title.setText(recipe.title)
        self.name.setText(recipe.name)
        self.main.set_values(values)
        self.more.set_values(values)
        self.data.set_data(recipe.data)
        self._offer_devices()
        self.device.setCurrentText(recipe.device)
        self.network.setCurrentIndex(self.network.findData(recipe.network.name))
        self._set_params(recipe.network.params)
        self.changed.emit()

    def recipe(self) -> TrainingRecipe:
        """The recipe as the form has it. Raises InputError."""
        task = self.task.task()
        changes = self.main.changes() | self.more.changes()
        known = TrainingRecipe.model_fields.keys() | task["params"].keys()
        values = self._opened.model_dump(mode="json") | {"task": task}
        values |= {name: value for name, value in changes.items() if name in known}
        if not self.name.text():
            raise InputError("The weights need a name: lower-case letters, digits and . _ -")
        values |= {"name": self.name.text(), "title": self.title.text() or self.name.text()}
        values["device"] = self.device.currentText()
        values["data"] = self.data.values()
        values["network"] = {"name": self.network.currentData(), "params": self._chosen_params()}
        return TrainingRecipe.from_json(values)

    def missing(self, recipe: TrainingRecipe) -> list[str]:
        """The files and folders of a recipe that are not there."""
        data = recipe.data
        paths = (
            data.paths
            if isinstance(data, Files)
            else data.measurements + data.truths
            if isinstance(data, Pairs)
            else ()
        )
        return [path for path in paths if not exists(path, self.root)]

    # ---- network and device ---------------------------------------------------------------------------------

    def _chosen_params(self) -> dict[str, Any]:
        assert self.params_form is not None
        params = self._params | changed(self.params_form.fields, self._shown)
        if self.data.colours is None:
            return params
        channels = self.data.colours * (2 if self.task.complex_picture else 1)
        return params if params.get("channels", 1) == channels else params | {"channels": channels}

    def _problem_taken(self) -> None:
        """Drawn images are at least as large as the operator's pictures."""
        self.data.make_room(self.task.picture_shape)
        self._reading_changed()
        self.changed.emit()

    def _network_chosen(self) -> None:
        """A small network of that kind, and as many images a step as suit it, unless the user has set others."""
        chosen = architectures.get(self.network.currentData())
        if self.main.fields["images"].get() in {cls.start_images for cls in architectures}:
            self.main.fields["images"].set(chosen.start_images)
        role = "denoiser" if chosen.method == "denoiser" else "reconstructor"
        if role != self.task.role:
            for line in (self.title, self.name):  # "My denoiser", unless the user has called it something else
                line.setText(line.text().replace(self.task.role, role))
            self.task.set_role(role)
            for rows in (self.main, self.more):
                rows.set_values(self.task.values())
        self._set_params(dict(chosen.start))
        self.changed.emit()

    def _set_params(self, params: dict[str, Any]) -> None:
        hidden = ("channels", "out_channels")  # as many as the images have colours
        form = DeclarationForm(architectures, self.network.currentData(), hidden)
        form.set_values(params)
        self._params, self._shown = params, form.values()
        if self.params_form is not None:
            self.params.removeWidget(self.params_form)
            self.params_form.hide()
            self.params_form.deleteLater()
        self.params_form = form
        self.params.addWidget(form)
        order_soon(self)
        form.changed.connect(self._reading_changed)
        self._reading_changed()

    def _reading_changed(self) -> None:
        """Show what applies: pixels or a crop."""
        by_pixels = True
        if self.params_form is not None:
            made_of = {"name": self.network.currentData(), "params": self._params | self._typed()}
            by_pixels = build(architectures, made_of).reads_pixels
        task, recipe = self.task.values(), TrainingRecipe.model_fields
        for rows in (self.main, self.more):
            for name in rows.fields:
                rows.set_row_visible(name, name in recipe or name in task)
        denoises = self.task.role == "denoiser"
        self.main.set_row_visible("pixels", denoises and by_pixels)
        self.main.set_row_visible("crop", denoises and not by_pixels)
        self.more.set_row_visible("part", denoises and by_pixels)

    def _typed(self) -> dict[str, Any]:
        try:
            return self._chosen_params()
        except InputError:
            return {}

    def _offer_devices(self) -> None:
        chosen = self.device.currentText() or self._opened.device
        names = dict.fromkeys((*self.workbench.devices, self._opened.device))
        self.device.clear()
        self.device.addItems(list(names))
        self.device.setCurrentText(chosen)


def _rows_of(recipe: TrainingRecipe) -> dict[str, Any]:
    """The fields of a recipe and of its task, and what others start with."""
    start: dict[str, Any] = {}
    for task in (Denoise, Reconstruct):
        start |= {p.name: p.default for p in parameters(task)}
    values = recipe.model_dump(mode="json")
    return start | values | values["task"]["params"]


def read_recipe(path: str | Path) -> tuple[TrainingRecipe, Path]:
    """A recipe from its file, and where its relative paths start: the file's folder. Raises InputError."""
    return TrainingRecipe.read(path), path_of(path).parent
