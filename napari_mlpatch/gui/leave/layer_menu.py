"""What napari's Layers menu does with the active layer: run again, compare, what changed, use as..."""

from __future__ import annotations

from typing import Any

import numpy as np
from napari.layers import Image, Labels, Layer

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.recipe import Recipe
from napari_mlpatch.gui.plumbing.notify import show_error, show_info
from napari_mlpatch.gui.session import Session, session
from napari_mlpatch.workbench.again import run_again as again
from napari_mlpatch.workbench.again import set_truth, take
from napari_mlpatch.workbench.scene import Frame

NO_RECIPE = "This layer carries no recipe: choose a result of MLPatch, or a picture that was saved with its recipe."


def run_again() -> None:
    """Make the picture of the active layer again, from its recipe."""
    here, layer = _active()
    recipe = _recipe(layer)
    if recipe is None:
        show_info(NO_RECIPE)
        return
    here.open("Compare")
    again(here.workbench, recipe, _frame(layer), lambda error: show_error(str(error)))


def compare() -> None:
    """Show the selected layers beside each other; pictures from files are taken into the table first."""
    here, active = _active()
    chosen = [layer for layer in here.viewer.layers if layer in here.viewer.layers.selection] or [active]
    entries = []
    for layer in chosen:
        entry, recipe = here.stage.entry_of(layer), _recipe(layer)
        if entry is not None:
            entries.append(entry)
        elif recipe is not None:
            take(here.workbench, recipe, np.asarray(layer.data), _frame(layer), lambda error: show_error(str(error)))
    if not entries and not any(_recipe(layer) for layer in chosen):
        show_info(NO_RECIPE)
        return
    here.open("Compare")
    for entry in entries:
        here.workbench.set_shown(entry, True)
    if entries:
        here.workbench.select(entries[0])
    if len(entries) > 1:
        here.workbench.set_other(entries[1])
    here.stage.set_view("grid")


def what_changed() -> None:
    """Between the recipes of the two selected layers."""
    from napari_mlpatch.gui.leave.changed_dialog import ChangedDialog

    here, _ = _active()
    chosen = [(layer, _recipe(layer)) for layer in here.viewer.layers if layer in here.viewer.layers.selection]
    known = [(layer.name, recipe) for layer, recipe in chosen if recipe is not None]
    if len(known) != 2:
        show_info("Select two layers that carry recipes, with Ctrl or Shift in the list of layers.")
        return
    ChangedDialog(known[0], known[1], here.viewer.window._qt_window).show()


def use_as_sinogram() -> None:
    """The active layer as the measurement: the Problem dock asks for its angles."""
    from napari_mlpatch.io.memory import measurement_of

    here, layer = _active()
    if not isinstance(layer, Image):
        show_info("Choose an image layer, whose rows are projections.")
        return
    here.show("Problem")
    dock: Any = here.docks["Problem"]
    try:
        measurement = measurement_of(layer.data, layer.name)
    except InputError as error:
        show_error(str(error))
        return
    dock.pages.setCurrentWidget(dock.measured)
    dock.measured.take_measurement(measurement)


def use_as_truth() -> None:
    """The active layer as the true image of the present problem."""
    here, layer = _active()
    if not isinstance(layer, Image) or layer.rgb:
        show_info("Choose an image layer without colours.")
        return
    if here.workbench.scene is None:
        show_info("There is no problem yet that it could be the truth of: open a measurement first.")
        return
    set_truth(here.workbench, np.asarray(layer.data), lambda error: show_error(str(error)))


def use_as_mask() -> None:
    """The active Labels layer as the pixels that are missing, for a simulation with the operator "inpainting"."""
    here, layer = _active()
    if not isinstance(layer, Labels) or layer.data.ndim != 2:
        show_info("Choose a Labels layer of one plane, painted where pixels are missing.")
        return
    here.show("Problem")
    dock: Any = here.docks["Problem"]
    page = dock.simulated
    dock.pages.setCurrentWidget(page)
    page.operator.setCurrentIndex(page.operator.findData("inpainting"))
    page.operator_form.set_values({"mask": "custom", "missing": np.asarray(layer.data) != 0})


def _active() -> tuple[Session, Layer | None]:
    here = session()
    return here, here.viewer.layers.selection.active


def _recipe(layer: Layer | None) -> Recipe | None:
    """The recipe that a layer carries; of a running result there is none yet."""
    text = layer.metadata.get("mlpatch", {}).get("recipe") if layer is not None else None
    if not isinstance(text, dict):
        return None
    try:
        return Recipe.from_json(text)
    except InputError:
        return None


def _frame(layer: Layer | None) -> Frame:
    if layer is None:
        return Frame()
    scale, shift = tuple(layer.scale.tolist()[-2:]), tuple(layer.translate.tolist()[-2:])
    units, labels = [str(unit) for unit in layer.units[-2:]], layer.axis_labels[-2:]
    return Frame(scale, shift, (units[0], units[1]), (labels[0], labels[1]))
