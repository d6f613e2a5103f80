"""Somebody who clicks at random in the real window: ``python tests/gui/monkey.py SEED STEPS [SIZE]``.

The clicks follow the seed; what they hit depends on how far the jobs are. Ends with 0 where nothing raised or crashed.
"""

from __future__ import annotations

import faulthandler
import os
import random
import sys
import time
import traceback

os.environ["NAPARI_CONFIG"] = ""

import napari
from qtpy.QtCore import QEventLoop, Qt, QTimer

from napari_mlpatch import io
from napari_mlpatch.gui.session import DOCKS, Session, session


class Monkey:
    """Acts on the docks of a session as a user can, and on napari's own controls."""

    def __init__(self, here: Session, seed: int, size: int):
        self.here, self.random, self.size = here, random.Random(seed), size
        self.viewer, self.workbench = here.viewer, here.workbench
        here.open_all()
        self.problem, self.reconstruct, self.compare = (here.docks[name] for name in DOCKS)
        for name in ("ct-slice", "shepp-logan"):
            self.viewer.add_image(io.samples.image(name, size=size), name=name)

    def step(self) -> str:
        """Do one thing, and say what."""
        acts = [self.simulate, self.measure, self.run, self.run, self.run, self.stop, self.cancel, self.resume]
        acts += [self.grid, self.grid, self.residual, self.delete_layer, self.remove_entry, self.tick, self.alone]
        acts += [self.tidy, self.tidy, self.picture, self.picture, self.napari_grid, self.strip]
        acts += [self.visibility, self.look, self.order]
        act = self.random.choice(acts)
        act()
        return act.__name__

    def simulate(self) -> None:
        page = self.problem.simulated
        self.problem.pages.setCurrentWidget(page)
        if page.image.choices:
            page.image.value = self.random.choice(page.image.choices)
        page.operator_form.set_values({"angles_deg": self.random.choice(["0:180:20", "0:180:60", "0:90:10"])})
        page.simulate.click()

    def measure(self) -> None:
        self.here.show("Problem")
        self.problem.pages.setCurrentWidget(self.problem.measured)
        self.problem.measured.load_sample(self.random.choice(["htc2022", "tooth"]))

    def run(self) -> None:
        dock = self.reconstruct
        name = self.random.choice(["fbp", "tikhonov", "tv"])
        dock.method.setCurrentIndex(dock.method.findData(name))
        if name == "tv":
            long = self.random.random() < 0.5
            dock.form.set_values({"iterations": 50_000 if long else 5, "tolerance": 0.0})
        dock.run_button.click()

    def stop(self) -> None:
        self.reconstruct.stop.click()

    def cancel(self) -> None:
        self.reconstruct.cancel.click()

    def resume(self) -> None:
        self.reconstruct.more.setValue(3)
        self.reconstruct.resume.click()

    def grid(self) -> None:
        self.compare.bar.actions_of[self.random.choice(list(self.compare.bar.actions_of))].trigger()

    def napari_grid(self) -> None:
        self.viewer.canvas.grid.enabled = not self.viewer.canvas.grid.enabled

    def residual(self) -> None:
        kind = self.compare.bar.kind
        kind.setCurrentIndex(self.random.randrange(kind.count()))

    def delete_layer(self) -> None:
        if len(self.viewer.layers) > 1:
            del self.viewer.layers[self.random.randrange(len(self.viewer.layers))]

    def tidy(self) -> None:
        """One picture alone, and a layer that is not on show is deleted."""
        if len(self.viewer.layers) > 1:
            kept, gone = self.random.sample(list(self.viewer.layers), 2)
            for layer in self.viewer.layers:
                layer.visible = layer is kept
            wait(50)
            if gone in self.viewer.layers:
                self.viewer.layers.remove(gone)

    def remove_entry(self) -> None:
        if self.workbench.entries:
            self.workbench.remove(self.random.choice(self.workbench.entries))

    def tick(self) -> None:
        if rows := self.compare.table.rowCount():
            item = self.compare.table.item(self.random.randrange(rows), 0)
            if not item.flags() & Qt.ItemFlag.ItemIsUserCheckable:
                return
            on = item.checkState() == Qt.CheckState.Checked
            item.setCheckState(Qt.CheckState.Unchecked if on else Qt.CheckState.Checked)

    def alone(self) -> None:
        if rows := self.compare.table.rowCount():
            self.compare.table.itemDoubleClicked.emit(self.compare.table.item(self.random.randrange(rows), 0))

    def picture(self) -> None:
        self.viewer.screenshot(canvas_only=self.random.random() < 0.5, flash=False)

    def strip(self) -> None:
        strip = self.problem.measured.strip
        strip.adopt.click() if strip.layer is not None else strip.make()

    def visibility(self) -> None:
        if self.viewer.layers:
            layer = self.random.choice(list(self.viewer.layers))
            layer.visible = not layer.visible

    def look(self) -> None:
        self.viewer.window.resize(self.random.randrange(900, 1600), self.random.randrange(700, 1100))
        self.viewer.scene.camera.zoom *= self.random.uniform(0.7, 1.4)

    def order(self) -> None:
        self.viewer.layers.reverse()

    def settle(self, patience: float = 120.0) -> None:
        """Cancel everything and wait until the threads have noticed."""
        end = time.monotonic() + patience
        while active := [e for e in self.workbench.entries if e.job.active]:
            self.workbench.queue.cancel(active[0].job)
            wait(20)
            assert time.monotonic() < end, f"{active[0].title} cannot be cancelled"


def wait(ms: int) -> None:
    """Let the window live."""
    loop = QEventLoop()
    QTimer.singleShot(ms, loop.quit)
    loop.exec()


def main(seed: int, most: int, size: int = 512) -> int:
    faulthandler.enable()
    errors: list[str] = []
    viewer = napari.Viewer()
    viewer.window.resize(1280, 800)
    monkey = Monkey(session(viewer), seed, size)
    sys.excepthook = lambda *error: errors.append("".join(traceback.format_exception(*error)))  # what slots raise
    steps = 0
    while steps < most and not errors:
        try:
            print(steps, monkey.step(), flush=True)
        except Exception:
            errors.append(traceback.format_exc())
        wait(int(10 ** monkey.random.uniform(0.0, 2.7)))
        steps += 1
    monkey.settle()
    viewer.close()
    print(f"{steps} steps, {len(errors)} errors", *errors, sep="\n")
    return 1 if errors else 0


if __name__ == "__main__":
    raise SystemExit(main(*map(int, sys.argv[1:])))
