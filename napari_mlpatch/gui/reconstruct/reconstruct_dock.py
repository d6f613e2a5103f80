"""The Reconstruct dock: choose a method, run it, watch it, stop it, continue it."""

from __future__ import annotations

from qtpy.QtCore import QTimer
from qtpy.QtWidgets import (
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QProgressBar,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from napari_mlpatch import weights
from napari_mlpatch.core.cost import Cost
from napari_mlpatch.core.declare import build, parameters
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.fit import fit
from napari_mlpatch.core.method import Method
from napari_mlpatch.core.registry import methods
from napari_mlpatch.gui.forms.form import DeclarationForm, section, short
from napari_mlpatch.gui.forms.weights_box import WeightsBox
from napari_mlpatch.gui.plumbing.follow import follow
from napari_mlpatch.gui.plumbing.help_page import HelpButton, beside
from napari_mlpatch.gui.plumbing.notify import show_error
from napari_mlpatch.workbench.entry import Entry
from napari_mlpatch.workbench.ranking import by_metric
from napari_mlpatch.workbench.words import duration, size
from napari_mlpatch.workbench.workbench import Workbench

DEBOUNCE_MS = 300
LISTED = 30


class ReconstructDock(QWidget):
    """Method, parameters, weights, device; estimate; run, stop and keep, cancel, continue; progress and queue."""

    def __init__(self, workbench: Workbench):
        super().__init__()
        self.workbench = workbench
        self._taking = self._edited = False
        """Whether the form is being filled from a result; whether a person has changed it since."""

        self.method = short(QComboBox())
        for cls in methods:
            self.method.addItem(cls.title, cls.name)
        self.weights = WeightsBox()
        self.device = QComboBox()
        self._offer_devices()
        self.about, self.reason, self.cost = QLabel(), QLabel(), QLabel()
        for label in (self.about, self.reason, self.cost):
            label.setWordWrap(True)
        self.reason.setStyleSheet("color: orange")
        self.form = DeclarationForm(methods, self.method.currentData())
        self.form_place = QVBoxLayout()
        self.form_place.addWidget(self.form)

        self.run_button = QPushButton("Run")
        self.run_all = QPushButton("Run all methods")
        self.stop = QPushButton("Stop and keep")
        self.cancel = QPushButton("Cancel")
        self.resume = QPushButton("Continue")
        self.more = QSpinBox()
        self.more.setRange(1, 10_000)
        self.more.setValue(100)
        self.more.setSuffix(" more")
        self.method.setToolTip("How the picture is made from the measurement")
        self.help = HelpButton(methods, self.method, workbench.post)
        self.device.setToolTip("Where it is computed: the processor (cpu), or a graphics card (cuda)")
        self.run_button.setToolTip("Queue this method with the parameters below on the present problem")
        self.cancel.setToolTip("End after this iteration and throw the picture away")
        self.more.setToolTip("So many iterations more than it has done")
        self.run_all.setToolTip(
            "Queue every method that suits the operator, with its default parameters, and rank them in the end"
        )
        self.stop.setToolTip("End after this iteration and keep the picture")
        self.resume.setToolTip("Go on from the kept picture as if there had been no stop")
        self.bar = QProgressBar()
        self.status = QLabel()
        self.jobs = QListWidget()
        self.jobs.setMaximumHeight(110)
        self.jobs.setToolTip("Runs that wait, run, or have ended; one at a time on a device")
        self._lay_out()

        self._debounce = QTimer(self)
        self._debounce.setSingleShot(True)
        self._debounce.setInterval(DEBOUNCE_MS)
        self._debounce.timeout.connect(self._estimate)
        self.method.currentIndexChanged.connect(self._method_chosen)
        self.device.currentIndexChanged.connect(self._check)
        self.weights.activated.connect(self._check)
        self.weights.activated.connect(self._edit)
        self.run_button.clicked.connect(self._run)
        self.run_all.clicked.connect(self._run_all)
        self.stop.clicked.connect(lambda: self.entry and self.entry.job.control.stop())
        self.cancel.clicked.connect(lambda: self.entry and self.workbench.queue.cancel(self.entry.job))
        self.resume.clicked.connect(self._resume)
        follow(self, workbench.devices_changed, self._offer_devices)
        for signal in (workbench.scene_changed, workbench.weights_changed):
            follow(self, signal, self._offer_weights)
            follow(self, signal, self._check)
        follow(self, workbench.entry_progressed, self._progressed)
        follow(self, workbench.entries_changed, self._entries_changed)
        follow(self, workbench.selection_changed, self._selection_changed)
        self.method.setCurrentIndex(max(0, self.method.findData("tv")))
        self._method_chosen()
        self._entries_changed()
        self._edited = False

    @property
    def entry(self) -> Entry | None:
        """Of whom the progress bar, Stop and Cancel speak: the selected result, or else what runs meanwhile."""
        selected = self.workbench.selected
        if selected is not None and selected.job.active:
            return selected
        active = [e for e in self.workbench.entries if e.job.active]
        running = [e for e in active if e.job.state == "running"]
        return (running or active or [selected])[0]

    def _offer_devices(self) -> None:
        known = [self.device.itemText(i) for i in range(self.device.count())]
        self.device.addItems([name for name in self.workbench.devices if name not in known])

    def _lay_out(self) -> None:
        top = QFormLayout()
        top.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        top.addRow("method", beside(self.method, self.help))
        top.addRow("weights", self.weights)
        top.addRow("device", self.device)
        run = QHBoxLayout()
        run.addWidget(self.run_button, 2)
        run.addWidget(self.run_all, 1)
        control = QHBoxLayout()
        for widget in (self.stop, self.cancel):
            control.addWidget(widget)
        again = QHBoxLayout()
        again.addWidget(self.resume, 1)
        again.addWidget(self.more)
        layout = QVBoxLayout(self)
        layout.addLayout(top)
        layout.addWidget(self.about)
        layout.addLayout(self.form_place)
        layout.addWidget(self.reason)
        layout.addWidget(self.cost)
        layout.addLayout(run)
        layout.addWidget(self.bar)
        layout.addWidget(self.status)
        layout.addLayout(control)
        layout.addLayout(again)
        layout.addWidget(section("Queue"))
        layout.addWidget(self.jobs)
        layout.addStretch(1)

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
        form.changed.connect(self._offer_weights)
        form.changed.connect(self._check)
        form.changed.connect(self._edit)
        self._edit()
        self.about.setText((methods.get(name).__doc__ or "").strip().split("\n")[0].replace("``", ""))
        self._offer_weights()
        self._check()

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
            except InputError as error:
                reason = str(error)
        self.reason.setText(reason or remark)
        self.reason.setVisible(bool(reason or remark))
        self.run_button.setEnabled(not reason)
        self.run_button.setToolTip(reason or "Start, or queue behind what is running")
        self.run_all.setEnabled(scene is not None)
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
        how = f" ({cost.iterations} x {duration(cost.per_iteration)})" if cost.iterations > 1 else ""
        most = "at most about" if cost.iterations > 1 else "about"
        self.cost.setText(f"{most} {duration(cost.seconds)}{how}, {size(cost.bytes)}")

    def _edit(self) -> None:
        self._edited = not self._taking

    def _selection_changed(self) -> None:
        """Put back into the form how the selected result was made; what a person has typed only where they chose it."""
        entry = self.workbench.selected
        if entry is not None and (self.workbench.by_hand or not self._edited):
            self._take(entry)
        self._tell()

    def _take(self, entry: Entry) -> None:
        method, name = build(methods, entry.method), entry.method["name"]
        card = getattr(entry.job.network, "card", None)
        self._taking = True
        if self.method.currentData() != name:
            self.method.setCurrentIndex(self.method.findData(name))
        self.form.set_values({p.name: getattr(method, p.name) for p in parameters(type(method))})
        if self.device.findText(entry.job.recipe.device) >= 0:
            self.device.setCurrentText(entry.job.recipe.device)
        self._offer_weights()
        if card is not None:
            self.weights.put_back(card.name)
        self._check()
        self._taking = self._edited = False

    # ---- running --------------------------------------------------------------------------------------------

    def _run(self) -> None:
        self._edited = False
        try:
            self.workbench.run(self.chosen(), self.device.currentText(), self.chosen_weights())
        except InputError as error:
            show_error(str(error))

    def _run_all(self) -> None:
        scene, first = self.workbench.scene, True
        self._edited = False
        for cls in methods:
            if scene is None or cls().unsuitable(scene.problem.A):
                continue
            chosen = self.weights.best(cls(), scene.problem) if cls().needs_network else [None]
            for one in chosen:
                self.workbench.run(cls(), self.device.currentText(), one, select=first)
                first = False
        self.workbench.rank = by_metric("psnr")

    def _resume(self) -> None:
        if self.workbench.selected is not None:
            self.workbench.resume(self.workbench.selected, self.more.value())

    def _progressed(self, entry: Entry) -> None:
        self._list_jobs()
        if entry is self.entry:
            self._tell()

    def _tell(self) -> None:
        """The bar, one short line below it, and the buttons. All else is in the tooltip."""
        entry = self.entry
        job = None if entry is None else entry.job
        self.bar.setUpdatesEnabled(False)  # or Qt paints the whole window before setValue returns
        self.bar.setMaximum(1 if job is None else max(job.total, 1) if job.k or not job.active else 0)
        self.bar.setValue(0 if job is None else self.bar.maximum() if job.state == "done" else job.k)
        self.bar.setUpdatesEnabled(True)
        text, more = said(entry)
        self.status.setText(text)
        self.status.setToolTip(more)
        self._buttons()

    def _entries_changed(self) -> None:
        self._list_jobs()
        self._tell()

    def _list_jobs(self) -> None:
        """The newest jobs and their states; only what is new is written."""
        wanted = list(reversed(self.workbench.queue.jobs[-LISTED:]))
        while self.jobs.count() > len(wanted):
            self.jobs.takeItem(0)
        while self.jobs.count() < len(wanted):
            self.jobs.addItem("")
        for i, job in enumerate(wanted):
            item, text = self.jobs.item(i), f"{job.state:<9}  {job.title}"
            if item.text() != text:
                item.setText(text)
                item.setToolTip("\n".join(filter(None, [job.title, job.message])))

    def _buttons(self) -> None:
        entry, selected = self.entry, self.workbench.selected
        active = entry is not None and entry.job.active
        self.stop.setEnabled(active and entry.job.state == "running")  # type: ignore[union-attr]
        self.cancel.setEnabled(active)
        kept = selected is not None and not selected.job.active and selected.result is not None
        iterative = kept and "iterations" in selected.method["params"]  # type: ignore[union-attr]
        self.resume.setEnabled(bool(iterative))
        self.more.setEnabled(bool(iterative))


def said(entry: Entry | None) -> tuple[str, str]:
    """How far a job is, in one short line, and all there is to tell."""
    if entry is None:
        return "", ""
    job, result = entry.job, entry.result
    numbers = "\n".join(f"{k.replace('_', ' ')} {v:.4g}" for k, v in job.scalars.items() if k != "weight")
    if job.state == "queued":
        return "queued", entry.title
    if job.state == "running":
        left = "" if job.eta is None else f", about {duration(job.eta)} left"
        count = f"iteration {job.k} of {job.total}" if job.total > 1 else "running"
        return f"{count}{left}", f"{entry.title}\n{numbers}"
    if job.state == "done" and result is not None:
        ended = "ended" if result.iterations >= job.total else "stopped"
        how = "converged" if result.converged else "not converged" if result.not_converged else ended
        text = f"{how} at iteration {result.iterations}, {duration(result.seconds)}"
        return text, "\n".join(filter(None, [entry.title, result.remark, numbers]))
    return job.state, "\n".join(filter(None, [entry.title, job.message]))
