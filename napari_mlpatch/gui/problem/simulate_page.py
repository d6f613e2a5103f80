"""A measurement simulated from an image layer, so that the truth is known."""

from __future__ import annotations

from typing import Any

from magicgui.widgets import create_widget
from napari.layers import Image, Layer
from napari.viewer import Viewer
from qtpy.QtCore import Signal
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import (
    QHBoxLayout,
    QMenu,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_mlpatch import io
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.luminance import NOTE
from napari_mlpatch.core.registry import noises, operators
from napari_mlpatch.core.simulate import simulate
from napari_mlpatch.gui.forms.boxes import CountBox, choose, short
from napari_mlpatch.gui.forms.columns import PAGE, align, column
from napari_mlpatch.gui.forms.form import DeclarationForm
from napari_mlpatch.gui.forms.remembered import changes, recall, reset
from napari_mlpatch.gui.plumbing.follow import follow
from napari_mlpatch.gui.plumbing.help_page import HelpButton, beside
from napari_mlpatch.gui.plumbing.keys import on_return
from napari_mlpatch.gui.plumbing.label import Remark
from napari_mlpatch.gui.plumbing.memory import memory
from napari_mlpatch.gui.plumbing.tab_order import order_soon
from napari_mlpatch.torch_later import torch
from napari_mlpatch.workbench.scene import Scene
from napari_mlpatch.workbench.workbench import Workbench

from .from_layer import frame_of, origin_of, plane_of, sample_layer, shape_of, simulation_layer


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
        self.operator, self.noise = short(), short()
        for combo, registry in ((self.operator, operators), (self.noise, noises)):
            for cls in registry:
                if getattr(cls, "in_forms", True):
                    combo.addItem(cls.title, cls.name)
        choose(self.operator, memory().text("operator"), "parallel-beam")
        choose(self.noise, memory().text("noise"), "gaussian")
        self.seed = CountBox()
        self.seed.setRange(0, 2**31 - 1)
        self.operator.setToolTip("What is measured of the image: the forward operator A of y = A x + n")
        self.noise.setToolTip("What is added to the measurement")
        self.help = HelpButton(operators, self.operator, workbench.post)
        self.seed.setToolTip("The same seed gives the same noise")
        self.operator_place, self.noise_place = QVBoxLayout(), QVBoxLayout()
        self.operator_form = DeclarationForm(operators, self.operator.currentData(), hidden=("image_shape",))
        self.noise_form = DeclarationForm(noises, self.noise.currentData())
        self.simulate, self.reset = QPushButton("Simulate"), QPushButton("Reset")
        self.reset.setToolTip("Defaults of operator and noise, for the size of the image; what was typed is forgotten")
        self.trouble = Remark()
        self.trouble.hide()
        self._lay_out()
        self.operator.activated.connect(lambda: memory().put(self.operator.currentData(), "operator"))
        self.noise.activated.connect(lambda: memory().put(self.noise.currentData(), "noise"))
        self.reset.clicked.connect(self._reset)
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
        for form in (self.operator_form, self.noise_form):
            self._remember(form)
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
        last = QHBoxLayout()
        last.addWidget(self.simulate, 1)
        last.addWidget(self.reset)
        layout.addLayout(last)
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
        if layer is not None and shape_of(layer) != self._shape:
            self._shape = shape_of(layer)
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
        self._remember(new)
        self._align()
        order_soon(self)

    def _fill(self) -> None:
        """Sensible parameters for the image's size, or those that were used for this size before."""
        if self._shape is not None:
            self.operator_form.set_values(operators.get(self.operator.currentData()).suggest(self._shape))
            known = memory().get("operators", self.operator.currentData())
            if isinstance(known, dict) and known.get("shape") == list(self._shape):
                recall(self.operator_form, known.get("params"), image_shape=self._shape)

    def _remember(self, form: DeclarationForm) -> None:
        """What was typed into such a form before, and from now on."""
        if form.registry is noises:
            recall(form, memory().get("noises", form.name))
        form.changed.connect(self._keep)

    def _keep(self) -> None:
        memory().put(changes(self.noise_form), "noises", self.noise_form.name)
        if self._shape is not None:
            known = {"shape": list(self._shape), "params": changes(self.operator_form)}
            memory().put(known, "operators", self.operator_form.name)

    def _reset(self) -> None:
        for kind, form in (("operators", self.operator_form), ("noises", self.noise_form)):
            memory().put(None, kind, form.name)
            reset(form)
        self.seed.setValue(0)
        self._fill()

    def add_sample(self, name: str, simulation: str | None = None) -> None:
        """Add a bundled image as a layer and choose it; with the name of a simulated sample, simulate it too."""
        if simulation is not None:
            image, about = simulation_layer(simulation)
            self.viewer.add_image(image, **about)
        else:
            self.image.value = self.viewer.add_image(io.samples.image(name), **sample_layer(name))

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
        for form in (self.operator_form, self.noise_form):  # whatever was typed into them before
            reset(form)
        if self._shape is not None:
            self.operator_form.set_values(operators.get(self.operator.currentData()).suggest(self._shape))
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
            image = plane_of(layer, self.viewer)
            A = self.operator_form.build(image_shape=image.shape)
            noise = self.noise_form.build()
        except (InputError, ValueError) as error:
            self._complain(str(error))
            return
        known, path = layer.metadata.get("mlpatch_image"), getattr(layer.source, "path", None)
        frame, notes = frame_of(layer), (NOTE,) if layer.rgb else ()
        layer.visible = False
        seed, title = (
            self.seed.value(),
            f"{layer.name}: {A.title}, {noise.title}, seed {self.seed.value()}",
        )

        def make() -> Scene:
            source = known or origin_of(path, image)
            problem = simulate(torch.from_numpy(image), A, noise, seed=seed, source=source)
            return Scene(problem, title, frame, notes=notes)

        self.workbench.prepare(make, self._complain)

    def _complain(self, text: str) -> None:
        self.trouble.setText(text)
        self.trouble.setVisible(bool(text))
