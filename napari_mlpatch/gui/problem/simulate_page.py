"""A measurement simulated from an image layer, so that the truth is known."""

from __future__ import annotations

from typing import Any

import numpy as np
from magicgui.widgets import create_widget
from napari.layers import Image, Layer
from napari.viewer import Viewer
from qtpy.QtCore import Signal
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import (
    QComboBox,
    QMenu,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_mlpatch import io
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.registry import noises, operators
from napari_mlpatch.core.simulate import simulate
from napari_mlpatch.gui.forms.columns import PAGE, align, column
from napari_mlpatch.gui.forms.form import CountBox, DeclarationForm, short
from napari_mlpatch.gui.plumbing.follow import follow
from napari_mlpatch.gui.plumbing.help_page import HelpButton, beside
from napari_mlpatch.gui.plumbing.keys import on_return
from napari_mlpatch.gui.plumbing.label import Remark
from napari_mlpatch.gui.plumbing.tab_order import order_soon
from napari_mlpatch.torch_later import torch
from napari_mlpatch.workbench.scene import Frame, Scene
from napari_mlpatch.workbench.workbench import Workbench


class SimulatePage(QWidget):
    """Image, operator, noise and seed; Simulate makes the measurement and keeps the truth."""

    taken = Signal()
    """A sample was opened that belongs here."""

    def __init__(self, viewer: Viewer, workbench: Workbench):
        super().__init__()
        self.viewer, self.workbench = viewer, workbench
        self.image: Any = create_widget(annotation=Image, label="image")
        self.samples = QPushButton("Sample image")
        menu = QMenu(self)
        for name in io.samples.names("image"):
            menu.addAction(io.samples.describe(name).title, lambda name=name: self.add_sample(name))
        menu.addSection("With operator and noise, ready to run")
        for made in io.simulations.SIMULATIONS:
            menu.addAction(made.title, lambda made=made: self.add_sample(made.image, made.name))
        self.samples.setMenu(menu)
        self.image.native.setToolTip("The image layer that is measured: the truth")
        self.samples.setToolTip("Images that come with the program, some with operator and noise")
        self.operator, self.noise = short(QComboBox()), short(QComboBox())
        for combo, registry in ((self.operator, operators), (self.noise, noises)):
            for cls in registry:
                if getattr(cls, "in_forms", True):
                    combo.addItem(cls.title, cls.name)
        self.operator.setCurrentIndex(max(0, self.operator.findData("parallel-beam")))
        self.noise.setCurrentIndex(max(0, self.noise.findData("gaussian")))
        self.seed = CountBox()
        self.seed.setRange(0, 2**31 - 1)
        self.operator.setToolTip("What is measured of the image: the forward operator A of y = A x + n")
        self.noise.setToolTip("What is added to the measurement")
        self.help = HelpButton(operators, self.operator, workbench.post)
        self.seed.setToolTip("The same seed gives the same noise")
        self.operator_place, self.noise_place = QVBoxLayout(), QVBoxLayout()
        self.operator_form = DeclarationForm(operators, self.operator.currentData(), hidden=("image_shape",))
        self.noise_form = DeclarationForm(noises, self.noise.currentData())
        self.simulate = QPushButton("Simulate")
        self.trouble = Remark()
        self.trouble.hide()
        self._lay_out()
        self.operator.currentIndexChanged.connect(self._operator_chosen)
        self.noise.currentIndexChanged.connect(self._noise_chosen)
        self.image.changed.connect(self._image_chosen)
        self.simulate.clicked.connect(self.apply)
        on_return(self, self.simulate.click)
        follow(self, viewer.layers.events.inserted, self._reset_choices)
        follow(self, viewer.layers.events.inserted, self._layer_inserted)
        follow(self, viewer.layers.events.removed, self._reset_choices)
        follow(self, viewer.layers.events.reordered, self._reset_choices)
        self._shape: tuple[int, ...] | None = None
        self._reset_choices()

    def _lay_out(self) -> None:
        short(self.image.native)  # names of layers have any length
        top = column(("image", self.image.native), ("", self.samples), ("operator", beside(self.operator, self.help)))
        noise, seed = column(("noise", self.noise)), column(("seed", self.seed))
        self._columns = (top, noise, seed)
        self.operator_place.addWidget(self.operator_form)
        self.noise_place.addWidget(self.noise_form)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(*PAGE)
        for part in (top, self.operator_place, noise, self.noise_place, seed):
            layout.addLayout(part)
        layout.addWidget(self.simulate)
        layout.addWidget(self.trouble)
        layout.addStretch(1)

    def showEvent(self, event: QShowEvent | None) -> None:
        super().showEvent(event)
        self._align()  # now that the window's font is known

    def _align(self) -> None:
        align(*self._columns, self.operator_form.rows, self.noise_form.rows)

    # ---- choosing -------------------------------------------------------------------------------------------

    def _reset_choices(self, event: object = None) -> None:
        """Only images that are nobody's result can be simulated from."""
        layers = [
            layer
            for layer in self.viewer.layers
            if isinstance(layer, Image) and "mlpatch" not in layer.metadata and "mlpatch_source" not in layer.metadata
        ]
        chosen = self.image.value
        self.image.choices = layers
        if chosen in layers:
            self.image.value = chosen
        self._image_chosen()

    def _image_chosen(self, value: object = None) -> None:
        layer = self.image.value
        self.simulate.setEnabled(layer is not None)
        self.simulate.setToolTip("" if layer is not None else "Add an image layer first: open one, or take a sample")
        if layer is not None and tuple(layer.data.shape[-2:]) != self._shape and not layer.rgb:
            self._shape = tuple(layer.data.shape[-2:])
            self._fill()

    def _operator_chosen(self) -> None:
        self._replace("operator_form", self.operator_place, operators, self.operator.currentData(), ("image_shape",))
        self._fill()

    def _noise_chosen(self) -> None:
        self._replace("noise_form", self.noise_place, noises, self.noise.currentData(), ())

    def _replace(self, name: str, place: QVBoxLayout, registry: Any, declared: str, hidden: tuple[str, ...]) -> None:
        old, new = getattr(self, name), DeclarationForm(registry, declared, hidden=hidden)
        place.replaceWidget(old, new)
        old.hide()  # at once: it is deleted only when the event loop comes round
        old.deleteLater()
        setattr(self, name, new)
        self._align()
        order_soon(self)

    def _fill(self) -> None:
        """Sensible parameters for the image's size."""
        if self._shape is not None:
            self.operator_form.set_values(operators.get(self.operator.currentData()).suggest(self._shape))

    def add_sample(self, name: str, simulation: str | None = None) -> None:
        """Add a bundled image as a layer and choose it; with the name of a simulated sample, simulate it too."""
        about = sample_layer(name)
        if simulation is not None:
            about["metadata"]["mlpatch_simulation"] = simulation
        layer = self.viewer.add_image(io.samples.image(name), **about)
        if simulation is None:
            self.image.value = layer

    def _layer_inserted(self, event: Any) -> None:
        """The image of a simulated sample: its operator, noise and seed go into the forms, and it is simulated."""
        self.take(event.value)

    def take(self, layer: Layer) -> bool:
        """Simulate from a layer that is the image of a simulated sample; whether it is one."""
        name = layer.metadata.get("mlpatch_simulation")
        if name is None:
            return False
        made = io.simulations.find(name)
        self.image.value = layer
        for combo, part in ((self.operator, made.operator), (self.noise, made.noise)):
            combo.setCurrentIndex(combo.findData(part["name"]))
        self._fill()
        self.operator_form.set_values(self.operator_form.values() | made.operator["params"])
        self.noise_form.set_values(self.noise_form.values() | made.noise["params"])
        self.seed.setValue(made.seed)
        self.taken.emit()
        self.apply()
        return True

    # ---- applying -------------------------------------------------------------------------------------------

    def apply(self) -> None:
        """Simulate, off the GUI thread."""
        layer = self.image.value
        self._complain("")
        if layer is None:
            self._complain("Add an image layer first.")
            return
        try:
            image = _plane(layer, self.viewer)
            A = self.operator_form.build(image_shape=image.shape)
            noise = self.noise_form.build()
        except (InputError, ValueError) as error:
            self._complain(str(error))
            return
        known, path = layer.metadata.get("mlpatch_image"), getattr(layer.source, "path", None)
        frame = _frame(layer)
        layer.visible = False
        seed, title = (
            self.seed.value(),
            f"{layer.name}, {type(A).__name__}, {type(noise).__name__}, seed {self.seed.value()}",
        )

        def make() -> Scene:
            source = known or _origin(path, image)
            return Scene(simulate(torch.from_numpy(image), A, noise, seed=seed, source=source), title, frame)

        self.workbench.prepare(make, self._complain)

    def _complain(self, text: str) -> None:
        self.trouble.setText(text)
        self.trouble.setVisible(bool(text))


def sample_layer(name: str) -> dict[str, Any]:
    """Name, size and origin of a sample image's layer."""
    about = io.samples.describe(name)
    size = about.pixel_size or 1.0
    return {
        "name": name,
        "scale": (size, size),
        "units": (about.unit or "pixel",) * 2,
        "metadata": {"mlpatch_image": {"kind": "sample", "name": name}},
    }


def _plane(layer: Image, viewer: Viewer) -> np.ndarray:
    """The 2-D image on show, float32. Raises InputError for colour images."""
    if layer.rgb:
        raise InputError(f"The layer {layer.name!r} is a colour image. Convert it to grey first (Layers > Convert).")
    data = layer.data
    step = viewer.dims.current_step[-data.ndim :]
    index: Any = tuple(step[: data.ndim - 2])
    plane = np.asarray(data[index])
    if plane.ndim != 2 or np.iscomplexobj(plane):
        raise InputError(
            f"Simulation needs a real 2-D image, the layer {layer.name!r} shows {plane.dtype} {plane.shape}."
        )
    return plane.astype(np.float32)


def _frame(layer: Image) -> Frame:
    """Where the layer's plane lies in the world."""

    def pair(values: Any) -> tuple[Any, Any]:
        return values[-2], values[-1]

    units = [str(unit) for unit in layer.units]
    return Frame(pair(layer.scale.tolist()), pair(layer.translate.tolist()), pair(units), pair(layer.axis_labels))


def _origin(path: str | None, plane: np.ndarray) -> dict[str, Any]:
    """The file that the plane came from, where reading it again gives the same values; else it is only in memory.

    napari shows the raw values of pictures, ours are scaled to 0..1, and a stack's plane is no file of its own.
    """
    source = {"kind": "file", "path": str(path)}
    try:
        same = path is not None and np.array_equal(io.open_image(source), plane)
    except InputError:
        same = False
    return source if same else {"kind": "memory"}
