"""The All slices dock: a stack is reconstructed as one of its slices was; tried, run, paused, gone on with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.viewer import Viewer
from qtpy.QtCore import QTimer
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QCheckBox, QPushButton, QVBoxLayout, QWidget

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.gui.forms.columns import align, column
from napari_mlpatch.gui.forms.form import section
from napari_mlpatch.gui.plumbing.follow import follow
from napari_mlpatch.gui.plumbing.keys import ESCAPE, on_key, on_return
from napari_mlpatch.gui.plumbing.label import Note, Remark
from napari_mlpatch.gui.plumbing.notify import show_error
from napari_mlpatch.workbench.stacks import Base, base_of, suggested_output
from napari_mlpatch.workbench.workbench import Workbench

from .care_list import CareList
from .center_box import CenterBox
from .left import Left
from .output_box import OutputBox
from .run_rows import RunRows
from .slices_box import SlicesBox
from .trials import Trials
from .where_box import WhereBox
from .words import costs, holds

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
        self.trouble = ""
        """Why the stack cannot be opened, or a slice of it not be run."""
        self._followed: Any = None
        self.about, self.how, self.estimate, self.reason = Note(), Note(), Note(), Remark()
        self.slices, self.center = SlicesBox(), CenterBox()
        self.care, self.output = CareList(workbench.post), OutputBox()
        self.try_care = QPushButton("Show one slice with and without care")
        self.try_care.setToolTip("The slice that was tuned, sinogram and picture, before and after these steps")
        self.incomplete = QCheckBox("go on without the missing files")
        self.incomplete.setToolTip(
            "Slices without a file are NaN in the volume, all others at their own places; "
            "of projections, the angles must be those of the files that are there"
        )
        self.incomplete.hide()
        self.where, self.rows = WhereBox(), RunRows(self.stacks)
        self.trials, self.left = Trials(self), Left(self)
        self._lay_out()

        self._debounce = QTimer(self)
        self._debounce.setSingleShot(True)
        self._debounce.setInterval(DEBOUNCE_MS)
        self._debounce.timeout.connect(self._look)
        self.slices.changed.connect(self._say)
        self.center.changed.connect(self._say)
        self.center.find_wanted.connect(self.trials.find_axis)
        self.care.changed.connect(self._say)
        self.output.changed.connect(self._say)
        self.incomplete.toggled.connect(self._say)
        self.try_care.clicked.connect(self.trials.show_care)
        self.rows.strip.clicked.connect(self.trials.show_strip)
        self.rows.run.clicked.connect(self.run)
        on_key(self, ESCAPE, self.rows.cancel.click)
        on_return(self, self._return)
        follow(self, workbench.selection_changed, self._selected)
        follow(self, workbench.entries_changed, self._selected)
        follow(self, self.stacks.changed, self.offer)
        follow(self, self.stacks.continued, self.take)
        self._selected()
        self._say()

    def _lay_out(self) -> None:
        self.form = column(
            ("slices", self.slices), ("centre", self.center), ("output", self.output), ("compute", self.where)
        )
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
            self.incomplete,
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
        if entry is None or entry.result is None or entry.job.active or entry.result is self._followed:
            return
        self._followed = entry.result
        try:
            base = base_of(entry)
        except InputError as error:
            self.base = self.facts = self.cost = None
            self.trouble = str(error)
            self._say()
            return
        self.take(base)

    def take(self, base: Base) -> None:
        """Make all slices like this."""
        another = self.base is None or self.base.source != base.source
        self.base, self.cost, self.trouble = base, None, ""
        if another:
            self.facts = None
            self.incomplete.setChecked(False)
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
        before, chosen = self.base.recipe, self.slices.chosen()
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
            self.trouble = text
            self._say()

        def cost(found: Size) -> None:
            self.cost = found
            self._say()

        def shows(found: Facts) -> None:
            self._show_facts(base, found)
            if not self.stacks.running:
                self.stacks.ask("cost", lambda: cost_of(base.recipe, base.source), cost, failed)

        self.stacks.ask("facts", lambda: facts_of(base.recipe, base.source), shows, failed)

    def _show_facts(self, base: Base, found: Facts) -> None:
        another, self.facts = self.facts is None, found
        self.slices.offer(found.count, base.recipe.range(found.count) if another or base.out else None)
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
        """What is run and what it costs, and why it cannot."""
        base, facts, reason = self.base, self.facts, self.trouble
        self.about.setText("" if base is None else f"<b>{base.source.rpartition('/')[2]}</b>{holds(facts)}")
        if base is not None:
            without = "" if base.out or not self.care.chosen_names() else ", which was made without the care below"
            self.how.setText(
                f"All slices are made like <b>{base.words}</b>{without}. Select another result to take its recipe."
            )
        else:
            self.how.setText(NOTHING)
        self.about.setVisible(base is not None)
        if base is not None and facts is not None and not reason:
            try:
                self.recipe()
                reason = "" if self.output.path() else "Say where the volume goes."
                if facts.gap and not self.incomplete.isChecked():
                    reason = f"In the folder, {facts.gap}. Put the missing files there and open it again."
            except InputError as error:
                reason = str(error)
        self.reason.setText(reason)
        self.reason.setVisible(bool(reason))
        self.incomplete.setVisible(facts is not None and bool(facts.gap))
        self.rows.run.setToolTip(
            reason
            or "Reconstruct every slice; the volume is on the canvas at once, and grows (Return, unless “begin anew” "
            "is ticked)"
        )
        known = "" if base is None or facts is None else costs(base, self.slices.count(), self.cost)
        self.estimate.setText(known)
        self.estimate.setVisible(bool(self.estimate.text()))
        self.left.look()
        self.offer()

    def offer(self) -> None:
        """What can be done now, and what the button of the run says."""
        ready = self.facts is not None and self.reason.isHidden() and not self.stacks.running
        for button in (self.rows.run, self.rows.strip, self.try_care, self.center.find):
            button.setEnabled(ready)
        self.rows.run.setText(self.rows.verb())

    # ---- acting ---------------------------------------------------------------------------------------------

    def _return(self) -> None:
        """Run, unless that may replace a volume: then only what was typed is taken over."""
        if not self.rows.anew.isChecked():
            self.rows.run.click()

    def run(self) -> None:
        """Begin, or go on with what is there."""
        base = self.base
        if base is None:
            return
        try:
            self.stacks.start(
                self.recipe(),
                base.source,
                self.output.path(),
                self.rows.anew.isChecked(),
                limits=base.limits,
                incomplete=self.incomplete.isChecked(),
                where=self.where.where(),
            )
        except InputError as error:
            show_error(str(error))
        self.rows.anew.setChecked(False)
