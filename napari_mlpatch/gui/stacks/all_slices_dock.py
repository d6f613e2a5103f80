"""The All slices dock: a stack is reconstructed as one of its slices was; tried, run, paused, gone on with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.viewer import Viewer
from qtpy.QtCore import QTimer
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.gui.forms.columns import align, column
from napari_mlpatch.gui.forms.form import CountBox, section
from napari_mlpatch.gui.plumbing.follow import follow
from napari_mlpatch.gui.plumbing.keys import ESCAPE, on_key
from napari_mlpatch.gui.plumbing.label import Note, Remark
from napari_mlpatch.gui.plumbing.notify import show_error
from napari_mlpatch.workbench.stacks import Base, base_of, suggested_output
from napari_mlpatch.workbench.words import duration, size
from napari_mlpatch.workbench.workbench import Workbench

from .care_list import CareList
from .center_box import CenterBox
from .output_box import OutputBox
from .run_rows import RunRows
from .trials import Trials

if TYPE_CHECKING:
    from napari_mlpatch.stacks.look import Facts
    from napari_mlpatch.stacks.sizing import Size
    from napari_mlpatch.stacks.stack_recipe import StackRecipe

DEBOUNCE_MS = 300
NOTHING = (
    "Open a file or folder with many slices in the Problem dock, run a method on one of them in the Reconstruct dock, "
    "and select its result: all others are then made like it."
)


class AllSlicesDock(QWidget):
    """Recipe, slices, centre, care, output; five slices first, then all."""

    def __init__(self, viewer: Viewer, workbench: Workbench):
        super().__init__()
        self.viewer, self.workbench, self.stacks = viewer, workbench, workbench.stacks
        self.base: Base | None = None
        self.facts: Facts | None = None
        self.cost: Size | None = None
        self.about, self.how, self.estimate, self.reason = Note(), Note(), Note(), Remark()
        self.first, self.last = CountBox(), CountBox()
        self.first.setToolTip("The first slice that is reconstructed, counted from 0")
        self.last.setToolTip("The last slice that is reconstructed")
        self.center, self.care, self.output = CenterBox(), CareList(workbench.post), OutputBox()
        self.try_care = QPushButton("Show one slice with and without care")
        self.try_care.setToolTip("The slice that was tuned, sinogram and picture, before and after these steps")
        self.rows = RunRows(self.stacks)
        self.trials = Trials(self)
        self._lay_out()

        self._debounce = QTimer(self)
        self._debounce.setSingleShot(True)
        self._debounce.setInterval(DEBOUNCE_MS)
        self._debounce.timeout.connect(self._look)
        for box in (self.first, self.last):
            box.valueChanged.connect(self._say)
        self.center.changed.connect(self._say)
        self.center.find_wanted.connect(self._find_axis)
        self.care.changed.connect(self._say)
        self.output.changed.connect(self._say)
        self.try_care.clicked.connect(self.trials.show_care)
        self.rows.strip.clicked.connect(self.trials.show_strip)
        self.rows.run.clicked.connect(self.run)
        on_key(self, ESCAPE, self.rows.cancel.click)
        follow(self, workbench.selection_changed, self._selected)
        follow(self, workbench.entries_changed, self._selected)
        follow(self, self.stacks.changed, self._say)
        follow(self, self.stacks.continued, self.take)
        self._selected()
        self._say()

    def _lay_out(self) -> None:
        slices = QHBoxLayout()
        slices.addWidget(self.first, 1)
        slices.addWidget(QLabel("to"))
        slices.addWidget(self.last, 1)
        self.form = column(("slices", slices), ("centre", self.center), ("output", self.output))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        for item in (self.about, self.how):
            layout.addWidget(item)
        layout.addLayout(self.form)
        self.care_title = section("Care of the sinograms")
        for widget in (
            self.care_title,
            self.care,
            self.try_care,
            section("Run"),
            self.estimate,
            self.reason,
            self.rows,
        ):
            layout.addWidget(widget)
        layout.addStretch(1)

    def showEvent(self, event: QShowEvent | None) -> None:
        super().showEvent(event)
        align(self.form)  # now that the window's font is known
        if self.base is not None and self.facts is None:
            self._debounce.start()

    # ---- what is run ----------------------------------------------------------------------------------------

    def _selected(self) -> None:
        """The recipe of the selected result counts, if it has one that others can be made with."""
        entry = self.workbench.selected
        if entry is None or entry.result is None or entry.job.active:
            return
        try:
            base = base_of(entry)
        except InputError as error:
            self.base = self.facts = self.cost = None
            self.how.setText(str(error))
            self._say()
            return
        if self.base is None or (self.base.recipe, self.base.source) != (base.recipe, base.source):
            self.take(base)

    def take(self, base: Base) -> None:
        """Make all slices like this."""
        another = self.base is None or self.base.source != base.source
        self.base, self.cost = base, None
        if another:
            self.facts = None
        recipe = base.recipe
        if base.out:  # of a run: all that it was
            self.care.set_steps([step.model_dump() for step in recipe.care])
            if recipe.center is not None and recipe.center.kind != "listed":
                values = recipe.center.values
                self.center.set_center(recipe.center.kind, values[0], values[-1])
        if base.out or another or not self.output.path():
            self.output.set_path(base.out or suggested_output(base.source, recipe.recipe.method.name))
        self._say()
        self._debounce.start()

    def recipe(self) -> StackRecipe:
        """All that was chosen. Raises InputError."""
        from napari_mlpatch.stacks.stack_recipe import StackRecipe

        if self.base is None or self.facts is None:
            raise InputError(NOTHING)
        before, chosen = self.base.recipe, (self.first.value(), self.last.value() + 1)
        whole = chosen == (0, self.facts.count)
        listed = before.center is not None and before.center.kind == "listed"
        return StackRecipe(
            recipe=before.recipe,
            care=self.care.steps() if self.facts.kind == "sinogram" else (),
            center=before.center if listed else self.center.center() if self.facts.kind == "sinogram" else None,
            slices=before.slices if whole and before.slices == chosen else None if whole else chosen,
            block=before.block,
        )

    def _look(self) -> None:
        """What is in the stack, then what it will cost: off the window's thread, once it is seen."""
        base = self.base
        if base is None or not self.isVisible():
            return
        from napari_mlpatch.stacks.look import cost_of, facts_of

        def failed(text: str) -> None:
            self.how.setText(text)

        def costs(found: Size) -> None:
            self.cost = found
            self._say()

        def shows(found: Facts) -> None:
            self._show_facts(base, found)
            if not self.stacks.running:
                self.stacks.ask("cost", lambda: cost_of(base.recipe, base.source), costs, failed)

        self.stacks.ask("facts", lambda: facts_of(base.recipe, base.source), shows, failed)

    def _show_facts(self, base: Base, found: Facts) -> None:
        another, self.facts = self.facts is None, found
        for box in (self.first, self.last):
            box.blockSignals(True)
            box.setRange(0, found.count - 1)
        if another or base.out:
            first, last = base.recipe.range(found.count)
            self.first.setValue(first)
            self.last.setValue(last - 1)
        for box in (self.first, self.last):
            box.blockSignals(False)
        if found.center is not None and (another or not base.out) and self.center.kind.currentIndex() == 0:
            self.center.set_center("recipe", found.center, found.center)
        for widget in (self.center, self.care_title, self.care, self.try_care):
            widget.setVisible(found.kind == "sinogram")
        label = self.form.labelForField(self.center)
        if label is not None:
            label.setVisible(found.kind == "sinogram")
        self._say()

    # ---- telling --------------------------------------------------------------------------------------------

    def _say(self) -> None:
        """What is run and what it costs, why it cannot, and what the button says."""
        base, facts, reason = self.base, self.facts, ""
        self.about.setText("" if base is None else f"<b>{base.source.rpartition('/')[2]}</b>{_size(facts)}")
        if base is not None:
            self.how.setText(f"All slices are made like <b>{base.words}</b>. Select another result to take its recipe.")
        elif self.workbench.selected is None:
            self.how.setText(NOTHING)
        try:
            self.recipe()
            if not self.output.path():
                reason = "Say where the volume goes."
        except InputError as error:
            reason = "" if base is None or facts is None else str(error)
        self.reason.setText(reason)
        self.reason.setVisible(bool(reason))
        ready = facts is not None and not reason
        self.rows.run.setEnabled(ready and not self.stacks.running)
        self.rows.run.setText(self.rows.verb)
        self.rows.run.setToolTip(reason or "Reconstruct every slice; the volume is on the canvas at once, and grows")
        self.rows.strip.setEnabled(ready and not self.stacks.running)
        self.try_care.setEnabled(ready and not self.stacks.running)
        self.center.find.setEnabled(ready and not self.stacks.running)
        self.estimate.setText(self._costs() if facts is not None else "")

    def _costs(self) -> str:
        count = self.last.value() - self.first.value() + 1
        words = [f"{count} slices"]
        if self.base is not None and self.base.seconds:
            each = self.base.seconds
            words[0] += f", one took {duration(each)}: about {duration(count * each)}"
        if self.cost is not None:
            words.append(f"{self.cost.slices} at a time, {size(self.cost.bytes)} of memory")
        shape = None if self.base is None else self.base.recipe.recipe.operator.params.get("image_shape")
        room = 4.0 * count * shape[0] * shape[1] if shape else 0.0
        if room >= 2**20:
            words.append(f"{size(room)} on the disk")
        return "; ".join(words)

    # ---- acting ---------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Begin, or go on with what is there."""
        base = self.base
        if base is None:
            return
        try:
            self.stacks.start(
                self.recipe(), base.source, self.output.path(), self.rows.anew.isChecked(), limits=base.limits
            )
        except InputError as error:
            show_error(str(error))
        self.rows.anew.setChecked(False)

    def _find_axis(self) -> None:
        base = self.base
        if base is None:
            return
        from napari_mlpatch.stacks.look import axis_of

        self.estimate.setText("Finding the centres of five slices…")

        def found(line: Any) -> None:
            count = 0 if self.facts is None else self.facts.count
            first, last = (round(float(value), 3) for value in line.at([0, count - 1]))
            self.center.set_center("linear", first, last)
            out = f", {len(line.left_out)} of 5 left out" if line.left_out else ""
            self.estimate.setText(
                f"The axis leans by {line.tilt_deg:.3g}°; the centres lie {line.residual:.2g} bins off the line{out}."
            )

        def failed(text: str) -> None:
            self._say()
            show_error(text)

        self.stacks.ask("axis", lambda: axis_of(base.recipe, base.source), found, failed)


def _size(facts: Facts | None) -> str:
    if facts is None:
        return ""
    what = {"sinogram": "sinograms", "kspace": "k-space", "data": "data"}[facts.kind]
    return f": {facts.count} slices, {what} of {' x '.join(map(str, facts.shape))}"
