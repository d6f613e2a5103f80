"""The Reconstruct dock: choose a method, run it, watch it, stop it, continue it."""

from __future__ import annotations

from qtpy.QtCore import QTimer
from qtpy.QtWidgets import (
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QProgressBar,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from napari_mlpatch import weights
from napari_mlpatch.core.cost import Cost
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.fit import fit
from napari_mlpatch.core.method import Method
from napari_mlpatch.core.registry import methods
from napari_mlpatch.gui.compare.layers import LayerView
from napari_mlpatch.gui.forms.form import DeclarationForm, section, short
from napari_mlpatch.gui.forms.weights_box import WeightsBox
from napari_mlpatch.gui.plumbing.follow import follow
from napari_mlpatch.gui.plumbing.notify import show_error
from napari_mlpatch.workbench.entry import Entry
from napari_mlpatch.workbench.ranking import by_metric
from napari_mlpatch.workbench.words import duration, size
from napari_mlpatch.workbench.workbench import Workbench

DEBOUNCE_MS = 300


class ReconstructDock(QWidget):
    """Method, parameters, weights, device; estimate; run, stop and keep, cancel, continue; progress and queue."""

    def __init__(self, workbench: Workbench, view: LayerView):
        super().__init__()
        self.workbench, self.view = workbench, view
        self.entry: Entry | None = None
        """The entry that the progress bar and the buttons speak of."""

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
        self.run_all.setToolTip(
            "Queue every method that suits the operator, with its default parameters, and rank them in the end"
        )
        self.stop.setToolTip("End after this iteration and keep the picture")
        self.resume.setToolTip("Go on from the kept picture as if there had been no stop")
        self.bar = QProgressBar()
        self.status = QLabel()
        self.status.setWordWrap(True)
        self.jobs = QListWidget()
        self.jobs.setMaximumHeight(110)
        self._lay_out()

        self._debounce = QTimer(self)
        self._debounce.setSingleShot(True)
        self._debounce.setInterval(DEBOUNCE_MS)
        self._debounce.timeout.connect(self._estimate)
        self.method.currentIndexChanged.connect(self._method_chosen)
        self.device.currentIndexChanged.connect(self._check)
        self.weights.activated.connect(self._check)
        self.run_button.clicked.connect(self._run)
        self.run_all.clicked.connect(self._run_all)
        self.stop.clicked.connect(lambda: self.entry and self.entry.job.control.stop())
        self.cancel.clicked.connect(self._cancel)
        self.resume.clicked.connect(lambda: self.entry and self.workbench.resume(self.entry, self.more.value()))
        follow(self, workbench.devices_changed, self._offer_devices)
        for signal in (workbench.scene_changed, workbench.weights_changed):
            follow(self, signal, self._offer_weights)
            follow(self, signal, self._check)
        follow(self, workbench.entry_progressed, self._progressed)
        follow(self, workbench.entries_changed, self._entries_changed)
        self.method.setCurrentIndex(max(0, self.method.findData("tv")))
        self._method_chosen()
        self._entries_changed()

    def _offer_devices(self) -> None:
        known = [self.device.itemText(i) for i in range(self.device.count())]
        self.device.addItems([name for name in self.workbench.devices if name not in known])

    def _lay_out(self) -> None:
        top = QFormLayout()
        top.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        top.addRow("method", self.method)
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

    # ---- running --------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            self.entry = self.workbench.run(self.chosen(), self.device.currentText(), self.chosen_weights())
        except InputError as error:
            show_error(str(error))
        self._entries_changed()

    def _run_all(self) -> None:
        scene = self.workbench.scene
        for cls in methods:
            if scene is None or cls().unsuitable(scene.problem.A):
                continue
            chosen = self.weights.best(cls(), scene.problem) if cls().needs_network else [None]
            for one in chosen:
                self.entry = self.workbench.run(cls(), self.device.currentText(), one)
        self.workbench.rank = by_metric("psnr")
        self._entries_changed()

    def _cancel(self) -> None:
        if self.entry is not None:
            self.workbench.queue.cancel(self.entry.job)

    def _progressed(self, entry: Entry) -> None:
        job = entry.job
        if job.state == "running":
            self.entry = entry
        if entry is not self.entry:
            return
        self.bar.setUpdatesEnabled(False)  # or Qt paints the whole window before setValue returns
        self.bar.setMaximum(max(job.total, 1) if job.k or not job.active else 0)
        self.bar.setValue(job.k)
        self.bar.setUpdatesEnabled(True)
        numbers = ", ".join(f"{k.replace('_', ' ')} {v:.4g}" for k, v in job.scalars.items() if k != "weight")
        if job.state == "running":
            eta = "" if job.eta is None else f", at most {duration(job.eta)} left"
            self.status.setText(f"{entry.title}: iteration {job.k} of {job.total}{eta}\n{numbers}")
        elif job.state == "done" and entry.result is not None:
            self.bar.setValue(self.bar.maximum())
            ended = "ended" if entry.result.iterations >= job.total else "stopped"
            how = "converged" if entry.result.converged else "not converged" if entry.result.not_converged else ended
            self.status.setText(
                f"{entry.title}: {how} at iteration {entry.result.iterations} after {duration(entry.result.seconds)}"
            )
        elif job.state in ("failed", "cancelled"):
            self.status.setText(f"{entry.title}: {job.state}" + (f". {job.message}" if job.message else ""))
        self._buttons()

    def _entries_changed(self) -> None:
        if self.entry is not None and self.entry not in self.workbench.entries and not self.entry.job.active:
            self.bar.setMaximum(1)
            self.entry = None
        self.jobs.clear()
        for job in reversed(self.workbench.queue.jobs[-30:]):
            item = QListWidgetItem(f"{job.state:<9}  {job.title}")
            item.setToolTip(job.message)
            self.jobs.addItem(item)
        self._buttons()

    def _buttons(self) -> None:
        entry = self.entry
        active = entry is not None and entry.job.active
        self.stop.setEnabled(active and entry.job.state == "running")  # type: ignore[union-attr]
        self.cancel.setEnabled(active)
        kept = entry is not None and not active and entry.result is not None
        iterative = kept and "iterations" in entry.method["params"]  # type: ignore[union-attr]
        self.resume.setEnabled(bool(iterative))
        self.more.setEnabled(bool(iterative))

    def select(self, entry: Entry) -> None:
        """Make the buttons speak of this entry."""
        self.entry = entry
        self._progressed(entry)
