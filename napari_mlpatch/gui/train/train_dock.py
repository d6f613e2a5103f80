"""The Train dock: weights of one's own, by the same recipes and the same loop as ``mlpatch train``."""

from __future__ import annotations

from pathlib import Path

from napari.viewer import Viewer
from qtpy.QtWidgets import (
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from napari_mlpatch import weights
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.files import path_of, reason_of, replace_bytes
from napari_mlpatch.gui.forms.columns import PAGE
from napari_mlpatch.gui.plumbing.dialogs import ask_file, ask_folder, ask_target
from napari_mlpatch.gui.plumbing.elided import small
from napari_mlpatch.gui.plumbing.follow import follow
from napari_mlpatch.gui.plumbing.keys import ESCAPE, on_key, on_return
from napari_mlpatch.gui.plumbing.label import Note, Remark
from napari_mlpatch.gui.plumbing.notify import show_error, show_info
from napari_mlpatch.training import TrainingRecipe, checkpoint
from napari_mlpatch.training.examples import EXAMPLE
from napari_mlpatch.workbench.training_job import Training
from napari_mlpatch.workbench.words import duration
from napari_mlpatch.workbench.workbench import Workbench

from .training_form import TrainingForm, read_recipe
from .training_rows import side_by_side
from .training_view import TrainingView

START = EXAMPLE.model_copy(update={"validate_every": 500})
RECIPES = "Training recipes (*.json)"


class TrainDock(QWidget):
    """Recipe, train, cancel, resume; curves and figures. The training itself belongs to the workbench."""

    def __init__(self, viewer: Viewer, workbench: Workbench):
        super().__init__()
        self.workbench = workbench
        known = workbench.trainer.training
        self.form = TrainingForm(workbench, known.recipe if known else START, known.root if known else Path.home())
        self.view = TrainingView()
        self.train, self.cancel = QPushButton("Train"), QPushButton("Cancel")
        self.resume = QPushButton("Resume")
        self.train.setToolTip(
            "Train from the start; the weights go to your own, where the other docks find them (Return, unless that "
            "replaces something)"
        )
        self.cancel.setToolTip("End after this step; Resume goes on from there (Escape)")
        self.bar = QProgressBar()
        self.bar.hide()  # until there is something to show
        self.status = Note("Trains a network by the recipe below. The other docks will list its weights.")
        self.hint = Remark()
        self.open, self.save = QPushButton("Open recipe…"), QPushButton("Save recipe…")
        self.open.setToolTip("A file as `mlpatch train` reads it; relative paths start at its folder")
        self.save.setToolTip("For `mlpatch train`, another computer, or later")
        self.folder, self.choose_folder = QLineEdit(), small("…", "Choose the folder of the checkpoint")
        self.folder.setToolTip("Where the checkpoint is kept, from which Resume goes on")
        self.resume.setToolTip("Go on from the checkpoint in the folder below")
        self.tabs = QTabWidget()
        self._lay_out()

        self.train.clicked.connect(lambda: self.start(resume=False))
        self.resume.clicked.connect(lambda: self.start(resume=True))
        self.cancel.clicked.connect(self._cancel)
        on_key(self, ESCAPE, self.cancel.click)
        on_return(self, self._return)
        self.open.clicked.connect(self._open)
        self.save.clicked.connect(self._save)
        self.choose_folder.clicked.connect(self._choose_folder)
        self.folder.editingFinished.connect(self._check)
        self.form.changed.connect(self._check)
        follow(self, workbench.training_changed, self._progressed)
        self._check()
        if known is not None:
            self._progressed()

    def _lay_out(self) -> None:
        place = QHBoxLayout()
        place.addWidget(self.folder, 1)
        place.addWidget(self.choose_folder)
        checkpoint_form = QFormLayout()
        checkpoint_form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        checkpoint_form.addRow("checkpoint", place)
        self.form.forms.append(checkpoint_form)
        page = QWidget()
        inside = QVBoxLayout(page)
        inside.setContentsMargins(*PAGE)
        inside.addLayout(side_by_side(self.open, self.save))
        inside.addWidget(self.form)
        inside.addLayout(checkpoint_form)
        inside.addStretch(1)
        self.tabs.addTab(page, "Recipe")
        self.tabs.addTab(self.view, "Curves")
        self.tabs.setTabToolTip(0, "What is trained, on what, for how long")
        self.tabs.setTabToolTip(1, "Loss and held-out figures while it is trained")
        self.tabs.currentChanged.connect(self._fit)
        self._fit()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.addLayout(side_by_side(self.train, self.cancel, self.resume))
        layout.addWidget(self.bar)
        layout.addWidget(self.status)
        layout.addWidget(self.hint)
        layout.addWidget(self.tabs, 1)

    def _fit(self) -> None:
        """The dock is as high as the page on show needs, not as the highest of them."""
        for page in (self.tabs.widget(i) for i in range(self.tabs.count())):
            shown = page is self.tabs.currentWidget()
            policy = QSizePolicy.Policy.Preferred if shown else QSizePolicy.Policy.Ignored
            page.setSizePolicy(policy, policy)

    # ---- the recipe -----------------------------------------------------------------------------------------

    def chosen_folder(self) -> Path:
        """Where the checkpoint is kept: by default beside the user's own weights, named like them."""
        text = self.folder.text().strip()
        return path_of(text, "The folder") if text else weights.training_folders(self.form.name.text())[0]

    def open_recipe(self, path: str | Path) -> None:
        """Show a recipe in the form. Raises InputError, and the form stays as it was."""
        self.form.set_recipe(*read_recipe(path))

    def save_recipe(self, path: str | Path) -> None:
        """Write the recipe of the form. Raises InputError."""
        try:
            replace_bytes(path_of(path, "The recipe"), f"{self.form.recipe().to_json()}\n".encode())
        except OSError as error:
            raise InputError(f"The recipe cannot be written to {path}: {reason_of(error)}.") from None

    def _open(self) -> None:
        path = ask_file(self, "recipe", "Open a training recipe", RECIPES)
        if path:
            try:
                self.open_recipe(path)
            except InputError as error:
                show_error(str(error))

    def _save(self) -> None:
        path = ask_target(self, "recipe", "Save the recipe", f"{self.form.name.text()}.recipe.json", RECIPES)
        if path:
            try:
                self.save_recipe(path)
                show_info(f"Saved {path}.")
            except InputError as error:
                show_error(str(error))

    def _choose_folder(self) -> None:
        path = ask_folder(self, "checkpoint", "A folder for the checkpoint")
        if path:
            self.folder.setText(path)
            self._check()

    # ---- training -------------------------------------------------------------------------------------------

    def start(self, resume: bool) -> None:
        """Train with the form's recipe, from the start or from the checkpoint; what is wrong is told."""
        try:
            recipe = self.form.recipe()
            missing = self.form.missing(recipe)
            if missing:
                raise InputError(f"There is no file or folder {missing[0]} to train on. Choose another.")
            if weights.is_shipped(recipe.name):
                raise InputError(f"The program's own weights are called {recipe.name!r}. Choose another name.")
            folder, before = self.chosen_folder(), self.workbench.trainer.training
            training = Training(recipe, folder, self.form.root, resume)
            if resume and before is not None and before.folder == folder:
                training.losses, training.psnr = list(before.losses), list(before.psnr)
            self.workbench.trainer.start(training)
        except InputError as error:
            self.hint.setText(str(error))
            self.hint.show()
            show_error(str(error))
            return
        self.tabs.setCurrentWidget(self.view)

    def _return(self) -> None:
        """Train, unless that would replace something: then only what was typed is taken over."""
        if self.hint.isHidden():
            self.train.click()

    def _cancel(self) -> None:
        self.cancel.setEnabled(False)
        self.status.setText("Cancelling…")
        self.workbench.trainer.cancel()

    def _check(self) -> None:
        """What can be done, and what would be replaced."""
        folder, name = self.chosen_folder(), self.form.name.text()
        self.folder.setPlaceholderText(str(folder))
        training = self.workbench.trainer.training
        active = training is not None and training.active
        kept = (folder / checkpoint.NAME).is_file()
        self.train.setEnabled(not active)
        self.cancel.setEnabled(active and not training.cancelled.is_set())  # type: ignore[union-attr]
        self.resume.setEnabled(kept and not active)
        self.resume.setToolTip(f"Go on from {folder / checkpoint.NAME}" if kept else "There is no checkpoint there yet")
        hint = ""
        if not active and name and (weights.own_folder() / f"{name}.json").exists():
            hint = f"Train will replace the weights {name}."
        elif not active and kept:
            hint = f"Resume goes on from the checkpoint; Train moves it to the folder {checkpoint.BEFORE!r} there."
        self.hint.setText(hint)
        self.hint.setVisible(bool(hint))

    def _progressed(self) -> None:
        training = self.workbench.trainer.training
        if training is None:
            return
        self.bar.setUpdatesEnabled(False)  # or Qt paints the whole window before setValue returns
        self.bar.setMaximum((training.total or training.recipe.steps) if training.k or not training.active else 0)
        self.bar.setValue(training.k)
        self.bar.setUpdatesEnabled(True)
        self.bar.show()
        if not training.cancelled.is_set() or not training.active:
            self.status.setText(_words(training))
        self.view.show_training(training)
        if not training.active or self.train.isEnabled():
            self._check()


def _words(training: Training) -> str:
    recipe: TrainingRecipe = training.recipe
    if training.state == "running":
        if training.eta is None:
            return f"{recipe.title}: preparing the images…"
        about = "about " if recipe.minutes else ""
        loss = f", loss {training.losses[-1][1]:.3g}" if training.losses else ""
        return f"step {training.k} of {about}{training.total}, {duration(training.eta)} left{loss}"
    if training.state == "done" and training.card is not None:
        return f"{recipe.title}: trained in {duration(training.seconds)}. The other docks list it now."
    if training.state == "cancelled":
        return f"{recipe.title}: cancelled at step {training.k}"
    return f"{recipe.title}: failed. {training.message}"
