"""``mlpatch demo``: the main job in the real window, on a measured sinogram and on a simulated one."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_mlpatch import io, weights
from napari_mlpatch.core.declare import build
from napari_mlpatch.core.files import replace_bytes
from napari_mlpatch.core.registry import methods

Step = tuple[str, dict[str, Any], str | None]
"""Method, parameters, weights."""


@dataclass(frozen=True)
class Part:
    """A sample, what is run on it, and which residuals the comparison shows below the pictures."""

    sample: str
    steps: tuple[Step, ...]
    residual: str | None = None


PARTS = (
    Part(
        "tooth",
        (
            ("fbp", {"window": "hann"}, None),
            ("tv", {"nonnegative": True, "iterations": 40}, None),
            ("pnp-admm", {"iterations": 3, "falling": 2}, "mlpatch-ct-small"),
        ),
        residual="residual",
    ),
    Part(
        "body-ct-60",
        (
            ("fbp", {}, None),
            ("tv", {"iterations": 60}, None),
            ("unet", {}, "unet-ct-body"),
            ("unrolled", {}, "lpd-ct-body"),
            ("equilibrium", {}, "deq-admm-ct-body"),
            ("pnp-admm", {"iterations": 8, "falling": 6}, "mlpatch-ct-small"),
        ),
    ),
)
"""A measurement, whose truth nobody knows, and a simulated scan that the learned methods were trained for."""
PATIENCE_MS = 1_200_000


def main(arguments: list[str] | None = None) -> int:
    """Reconstruct a measured tooth and a simulated scan of the body in the workbench. Return the exit code."""
    parser = argparse.ArgumentParser(prog="mlpatch demo", description=main.__doc__)
    parser.add_argument("--out", default="demo", help="folder for report.json and screenshot.png")
    parser.add_argument("--exit", action="store_true", help="close the window when the pictures are there")
    parser.add_argument("--size", default="1600x1000", help="window size, width x height")
    options = parser.parse_args(arguments)
    if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        print("mlpatch: there is no display. Run under Xvfb: xvfb-run -a mlpatch demo", file=sys.stderr)
        return 2
    out = Path(options.out)
    out.mkdir(parents=True, exist_ok=True)

    import napari
    from qtpy.QtCore import QTimer

    viewer = napari.Viewer(title="MLPatch", show=True)
    width, height = (int(n) for n in options.size.split("x"))
    viewer.window.resize(width, height)
    outcome: dict[str, str] = {}

    def finish(error: str = "") -> None:
        outcome["error"] = error
        if options.exit or os.environ.get("CI") or error:
            viewer.close()

    Demo(viewer, out, finish).start()
    QTimer.singleShot(PATIENCE_MS, lambda: finish("it took too long") if not outcome else None)
    napari.run()
    if outcome.get("error") or not outcome:
        print(f"mlpatch: the demo failed: {outcome.get('error', 'the window was closed')}", file=sys.stderr)
        return 1
    return 0


class Demo:
    """The steps of the demo, each started by the end of the one before."""

    def __init__(self, viewer: Any, out: Path, finish: Callable[[str], None]):
        from .session import session

        self.viewer, self.out, self.finish = viewer, out, finish
        self.session = session(viewer)
        self.workbench = self.session.workbench
        self.parts = list(PARTS)
        self.part: Part | None = None
        self.waiting: list[Step] = []
        self.compared = True
        self.rows: list[dict[str, Any]] = []

    def start(self) -> None:
        from . import open_workbench

        self.viewer.window.add_dock_widget(open_workbench(), name="Workbench (MLPatch)", area="right")
        self.workbench.failed.connect(lambda text: self.finish(text))
        self.workbench.scene_changed.connect(self._next)
        self.workbench.entries_changed.connect(self._entries_changed)
        self._later(self._load)

    def _load(self) -> None:
        """The next sample, through the page that it belongs to; what was made of the one before is cleared away."""
        part = self.part = self.parts.pop(0)
        self.waiting, dock = list(part.steps), self.session.docks["Problem"]
        self.session.stage.set_kind("picture")
        for entry in list(self.workbench.entries):  # the report has them
            self.workbench.remove(entry)
        self.session.show("Problem")
        if part.sample in io.simulations.names():
            made = io.simulations.find(part.sample)
            print(f"mlpatch demo: simulating {made.title}")
            dock.simulated.add_sample(made.image, made.name)
        else:
            print(f"mlpatch demo: loading the measured {part.sample} sinogram")
            dock.measured.load_sample(part.sample)

    def _next(self) -> None:
        if self.waiting:
            self.compared = False
            name, params, trained = self.waiting.pop(0)
            method = build(methods, {"name": name, "params": params})
            cards = {card.name: card for card in weights.available()}
            print(f"mlpatch demo: {method.title}" + (f" with {trained}" if trained else ""))
            self.workbench.run(method, weights=weights.Unopened(cards[trained]) if trained else None)
            self.session.show("Reconstruct")
        elif not self.compared:
            self._compare()

    def _entries_changed(self) -> None:
        made = self.workbench.entries
        if made and not any(e.job.active for e in made) and not self.compared:
            self._next()

    def _compare(self) -> None:
        self.compared = True
        stage, kind = self.session.stage, (self.part.residual if self.part else None) or "picture"
        print("mlpatch demo: the comparison")
        stage.set_kind(kind)
        stage.set_view("grid")
        self._wait(lambda: all(stage.layer(e) and stage.layer(e, kind) for e in stage.shown))

    def _wait(self, ready: Callable[[], Any]) -> None:
        """Go on once all pictures are on the canvas."""
        if ready():
            self._later(self._note, 1500)
        else:
            self._later(lambda: self._wait(ready))

    def _note(self) -> None:
        """Keep what the report says of this part, and go on."""
        assert self.part is not None and self.workbench.scene is not None
        about = {"sample": self.part.sample, "data": self.workbench.scene.title}
        self.rows += [{**about, **_row(e)} for e in self.workbench.entries if e.result is not None]
        self._picture(f"{self.part.sample}.png" if self.parts else "screenshot.png")
        if self.parts:
            self._load()
        else:
            self._report()

    def _picture(self, name: str) -> None:
        from qtpy.QtWidgets import QWidget

        for widget in self.viewer.window._qt_window.findChildren(QWidget):
            if type(widget).__name__ == "NapariQtNotification":  # it would cover a part of the picture
                widget.close()
        self.viewer.screenshot(str(self.out / name), canvas_only=False, flash=False)

    def _report(self) -> None:
        scene = self.workbench.scene
        report = {"data": scene.title, "notes": list(scene.notes), "results": self.rows} if scene else {}
        replace_bytes(self.out / "report.json", json.dumps(report, indent=1).encode())
        print(f"mlpatch demo: wrote {self.out / 'report.json'} and {self.out / 'screenshot.png'}")
        self.finish("")

    def _later(self, function: Callable[[], None], after_ms: int = 300) -> None:
        from qtpy.QtCore import QTimer

        QTimer.singleShot(after_ms, function)


def _row(entry: Any) -> dict[str, Any]:
    """What the report says of a result."""
    result = entry.result
    return {
        "method": entry.title,
        "metrics": {k: round(v, 6) for k, v in result.metrics.items()},
        "seconds": round(result.seconds, 3),
        "iterations": result.iterations,
        "remark": result.remark,
        "recipe": json.loads(result.recipe.to_json()),
    }


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
