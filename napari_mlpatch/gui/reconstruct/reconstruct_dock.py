"""The Reconstruct dock: choose a method, run it, watch it, stop it, continue it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qtpy.QtCore import Qt, QTimer
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QComboBox, QPushButton, QScrollArea, QVBoxLayout, QWidget

from napari_mlpatch import weights
from napari_mlpatch.core.cost import Cost
from napari_mlpatch.core.declare import build, parameters
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.fit import fit
from napari_mlpatch.core.method import Method
from napari_mlpatch.core.operator import Operator
from napari_mlpatch.core.registry import methods
from napari_mlpatch.gui.forms.boxes import choose, short
from napari_mlpatch.gui.forms.columns import align, column
from napari_mlpatch.gui.forms.form import DeclarationForm
from napari_mlpatch.gui.forms.remembered import changes, recall, reset
from napari_mlpatch.gui.forms.start_box import StartBox
from napari_mlpatch.gui.forms.weights_box import WeightsBox
from napari_mlpatch.gui.plumbing.follow import follow
from napari_mlpatch.gui.plumbing.help_page import HelpButton, beside
from napari_mlpatch.gui.plumbing.keys import CTRL_RETURN, ESCAPE, on_key, on_return
from napari_mlpatch.gui.plumbing.label import Note, Remark
from napari_mlpatch.gui.plumbing.memory import memory
from napari_mlpatch.gui.plumbing.notify import show_error
from napari_mlpatch.gui.plumbing.tab_order import order_soon
from napari_mlpatch.workbench.entry import Entry
from napari_mlpatch.workbench.ranking import by_metric
from napari_mlpatch.workbench.several import all_methods, one_of_each_kind
from napari_mlpatch.workbench.words import between, size
from napari_mlpatch.workbench.workbench import Workbench

from .run_panel import RunPanel

DEBOUNCE_MS = 300
LEAST_HEIGHT = 150
"""Pixels of the form, in the lowest window."""


class ReconstructDock(QWidget):
    """Method, parameters, weights, device; estimate; run, stop and keep, cancel, continue; progress and queue."""

    def __init__(self, workbench: Workbench):
        super().__init__()
        self.workbench = workbench
        self._taking = self._edited = False
        """Whether the form is being filled from a result; whether a person has changed it since."""

        self.method = short()
        for cls in methods:
            self.method.addItem(cls.title, cls.name)
        self.weights = WeightsBox()
        self.start = StartBox(workbench)
        self.device = QComboBox()
        self._preferred = "cpu"
        self._offer_devices()
        self.about, self.reason, self.cost = Note(), Remark(), Note()
        self.form = DeclarationForm(methods, self.method.currentData())
        self.form_place = QVBoxLayout()
        self.form_place.addWidget(self.form)

        self.method.setToolTip("How the picture is made from the measurement")
        self.help = HelpButton(methods, self.method, workbench.post)
        self.reset = QPushButton("Reset")
        self.reset.setToolTip("Defaults of this method, and its most suitable weights; what was typed is forgotten")
        self.device.setToolTip("Where it is computed: the processor (cpu), or a graphics card (cuda)")
        panel = self.panel = RunPanel(workbench)
        self.run_button, self.run_all, self.run_kinds = panel.run, panel.all, panel.kinds
        self.stop, self.cancel, self.resume, self.more = panel.stop, panel.cancel, panel.resume, panel.more
        self.bar, self.status, self.jobs = panel.bar, panel.status, panel.jobs
        self._lay_out()

        self._debounce = QTimer(self)
        self._debounce.setSingleShot(True)
        self._debounce.setInterval(DEBOUNCE_MS)
        self._debounce.timeout.connect(self._estimate)
        self.method.currentIndexChanged.connect(self._method_chosen)
        self.method.activated.connect(lambda: memory().put(self.method.currentData(), "method"))
        self.reset.clicked.connect(self._reset)
        self.device.currentIndexChanged.connect(self._check)
        self.weights.activated.connect(self._check)
        self.weights.activated.connect(self._edit)
        panel.run_wanted.connect(self._run)
        panel.all_wanted.connect(lambda: self._run_several(all_methods))
        panel.kinds_wanted.connect(lambda: self._run_several(one_of_each_kind, 1))
        on_return(self, self.run_button.click)
        on_key(self, CTRL_RETURN, self.run_all.click)
        on_key(self, ESCAPE, self.cancel.click)
        follow(self, workbench.devices_changed, self._offer_devices)
        for signal in (workbench.scene_changed, workbench.weights_changed):
            follow(self, signal, self._offer_weights)
            follow(self, signal, self._check)
        follow(self, workbench.selection_changed, self._selection_changed)
        follow(self, workbench.adopted, self.adopt)
        choose(self.method, memory().text("method"), "tv")
        self._method_chosen()
        self._edited = False

    @property
    def entry(self) -> Entry | None:
        """Of whom the progress bar, Stop and Cancel speak."""
        return self.panel.entry

    def _offer_devices(self) -> None:
        known = [self.device.itemText(i) for i in range(self.device.count())]
        self.device.addItems([name for name in self.workbench.devices if name not in known])
        if self.workbench.preferred_device != self._preferred:  # not each time: a person may have chosen another
            self._preferred = self.workbench.preferred_device
            self.device.setCurrentText(self._preferred)

    def _lay_out(self) -> None:
        top = column(
            ("method", beside(self.method, self.help)),
            ("weights", self.weights),
            ("start", self.start),
            ("device", beside(self.device, self.reset)),
        )
        self._columns = (top,)
        page = QWidget()
        inside = QVBoxLayout(page)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.addLayout(top)
        inside.addWidget(self.about)
        inside.addLayout(self.form_place)
        inside.addWidget(self.reason)
        inside.addWidget(self.cost)
        inside.addStretch(1)
        area = QScrollArea()  # of its own, so that what runs stays in sight
        area.setWidget(page)
        area.setWidgetResizable(True)
        area.setFrameShape(QScrollArea.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setMinimumHeight(LEAST_HEIGHT)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.addWidget(area, 1)
        layout.addWidget(self.panel)

    def showEvent(self, event: QShowEvent | None) -> None:
        super().showEvent(event)
        align(*self._columns, self.form.rows)  # now that the window's font is known

    # ---- choosing -------------------------------------------------------------------------------------------

    def chosen(self) -> Method:
        """The method as the form has it. Raises InputError."""
        return self.form.build()

    def _method_chosen(self) -> None:
        name = self.method.currentData()
        form = DeclarationForm(methods, name)
        self.form_place.replaceWidget(self.form, form)
        self.form.hide()
        self.form.deleteLater()
        self.form = form
        self.start.offer(name)
        align(*self._columns, form.rows)
        order_soon(self)
        recall(form, memory().get("methods", name))
        form.changed.connect(lambda: memory().put(changes(form), "methods", name))
        form.changed.connect(self._offer_weights)
        form.changed.connect(self._check)
        form.changed.connect(self._edit)
        self._edit()
        self.about.setText((methods.get(name).__doc__ or "").strip().split("\n")[0].replace("``", ""))
        self._offer_weights()
        self._check()

    def _reset(self) -> None:
        """The defaults of this method again, and the most suitable weights."""
        reset(self.form)
        self.weights.forget()
        self.form.changed.emit()

    def _offer_weights(self) -> None:
        scene = self.workbench.scene
        self.weights.offer(self._as_set(), None if scene is None else scene.problem)

    def _as_set(self) -> Method:
        """The method as the form has it; with its defaults, while that is impossible."""
        try:
            return self.chosen()
        except InputError:
            return methods.get(self.method.currentData())()

    def chosen_weights(self) -> weights.Unopened | None:
        """The chosen weights, where the method as it is set has use for them. Raises InputError."""
        return self.weights.chosen() if self.chosen().needs_network else None

    def _check(self) -> None:
        """Say why a run is impossible, or what it will cost."""
        reason = remark = ""
        scene = self.workbench.scene
        for row in range(self.method.count()):
            cls = methods.get(self.method.itemData(row))
            unsuitable = cls().unsuitable(scene.problem.A) if scene else ""
            item = self.method.model().item(row)  # type: ignore[attr-defined]
            item.setEnabled(not unsuitable)
            item.setToolTip(unsuitable)
        if scene is None:
            reason = "No data yet: load a measurement or simulate one in the Problem dock."
        else:
            try:
                method = self.chosen()
                found = fit(method, self.chosen_weights(), scene.problem)
                reason, remark = found.refusal, found.remark
                if reason and method.needs_network:  # one of these only where nothing fits
                    reason = " ".join(dict.fromkeys(filter(None, [reason, self.weights.why_none()])))
            except InputError as error:
                reason = str(error)
        self.reason.setText(reason or remark)
        self.reason.setVisible(bool(reason or remark))
        self.run_button.setEnabled(not reason)
        self.run_button.setToolTip(reason or "Start, or queue behind what is running (Return)")
        for button in (self.run_all, self.run_kinds):
            button.setEnabled(scene is not None)
        self.cost.setText("")
        if not reason:
            self._debounce.start()

    def _estimate(self) -> None:
        try:
            method, found = self.chosen(), self.chosen_weights()
        except InputError:
            return
        self.workbench.estimate(
            method, self._show_cost, lambda text: self.cost.setText(text), found, self.device.currentText()
        )

    def _show_cost(self, cost: Cost) -> None:
        most = f"{cost.iterations} iterations at most: " if cost.iterations > 1 else ""
        self.cost.setText(f"{most}{between(*cost.span)}, {size(cost.bytes)}")

    def _edit(self) -> None:
        self._edited = not self._taking

    def _selection_changed(self) -> None:
        """Put back into the form how the selected result was made; what a person has typed only where they chose it."""
        entry = self.workbench.selected
        if entry is not None and (self.workbench.by_hand or not self._edited):
            self._take(entry)

    def _take(self, entry: Entry) -> None:
        self._fill(build(methods, entry.method), entry.job.network, entry.job.recipe.device)

    def adopt(self, method: Method, network: Any = None) -> None:
        """Put a method and its weights into the form, as if a person had typed them. Can be undone."""
        before, trained = self._as_set(), self.weights.chosen()
        self._fill(method, network, self.device.currentText())
        self._edited = True
        self.workbench.undo.did("adopt the values", lambda: self._fill(before, trained, self.device.currentText()))

    def _fill(self, method: Method, network: Any, device: str) -> None:
        card = getattr(network, "card", None)
        self._taking = True
        if self.method.currentData() != method.name:
            self.method.setCurrentIndex(self.method.findData(method.name))
        self.form.set_values({p.name: getattr(method, p.name) for p in parameters(type(method))})
        if self.device.findText(device) >= 0:
            self.device.setCurrentText(device)
        self._offer_weights()
        if card is not None:
            self.weights.put_back(card.name)
        self._check()
        self._taking = self._edited = False

    # ---- running --------------------------------------------------------------------------------------------

    def _run(self) -> None:
        self._edited = False
        try:
            method = self.chosen()
            start = self.start.chosen(method)
            self.workbench.run(method, self.device.currentText(), self.chosen_weights(), start)
        except InputError as error:
            show_error(str(error))

    def _run_several(self, choose: Callable[[Operator], list[Method]], most: int | None = None) -> None:
        """Queue the methods, each with its best weights, ``most`` of them, and rank the results in the end."""
        problem, first = self.workbench.scene and self.workbench.scene.problem, True
        self._edited = False
        for method in choose(problem.A) if problem else []:
            chosen = self.weights.best(method, problem)[:most] if method.needs_network and problem else [None]
            for one in chosen:
                self.workbench.run(method, self.device.currentText(), one, select=first)
                first = False
        self.workbench.rank = by_metric("psnr")
