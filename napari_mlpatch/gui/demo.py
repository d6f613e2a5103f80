"""``mlpatch demo``: the main job in the real window, on a measured sinogram."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from napari_mlpatch import weights
from napari_mlpatch.core.declare import build
from napari_mlpatch.core.files import replace_bytes
from napari_mlpatch.core.registry import methods

STEPS: list[tuple[str, dict[str, Any], str | None]] = [
    ("fbp", {"window": "hann"}, None),
    ("tv", {"nonnegative": True, "iterations": 80}, None),
    ("pnp-admm", {"iterations": 4, "falling": 3}, "mlpatch-ct-small"),
    ("direct", {}, "mlpatch-ct"),
]
"""Method, parameters, weights. The full network takes as long for one picture as the small one for twelve."""
PATIENCE_MS = 1_200_000


def main(arguments: list[str] | None = None) -> int:
    """Open the workbench, load the tooth, reconstruct it by FBP, TV and both sizes of MLPatch. Return the exit code."""
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
        from . import session

        self.viewer, self.out, self.finish = viewer, out, finish
        self.session = session(viewer)
        self.workbench = self.session.workbench
        self.waiting = list(STEPS)
        self.residuals = 0
        self.done = False

    def start(self) -> None:
        from . import open_workbench

        self.viewer.window.add_dock_widget(open_workbench(), name="Workbench (MLPatch)", area="right")
        self.workbench.failed.connect(lambda text: self.finish(text))
        self.workbench.scene_changed.connect(self._next)
        self.workbench.entries_changed.connect(self._entries_changed)
        self.workbench.residuals_ready.connect(self._residuals_ready)
        self._later(self._load)

    def _load(self) -> None:
        print("mlpatch demo: loading the measured tooth sinogram")
        self.session.docks["Problem"].measured.load_sample("tooth")

    def _next(self) -> None:
        if self.waiting:
            name, params, trained = self.waiting.pop(0)
            method = build(methods, {"name": name, "params": params})
            cards = {card.name: card for card in weights.available()}
            print(f"mlpatch demo: {method.title}" + (f" with {trained}" if trained else ""))
            self.workbench.run(method, weights=weights.Unopened(cards[trained]) if trained else None)
            self.session.show("Reconstruct")
        elif not self.done:
            self.done = True
            print("mlpatch demo: residuals and the comparison")
            compare = self.session.docks["Compare"]
            compare.residual.setCurrentIndex(compare.residual.findData("residual"))

    def _entries_changed(self) -> None:
        entries = self.workbench.entries
        if entries and not any(e.job.active for e in entries) and not self.done:
            self._next()

    def _residuals_ready(self, entry: object, images: object) -> None:
        self.residuals += 1
        if self.residuals == len(self.workbench.entries):
            self.session.docks["Compare"].grid.setChecked(True)
            self._later(self._report, 1500)

    def _report(self) -> None:
        rows = [
            {
                "method": e.title,
                "metrics": {k: round(v, 6) for k, v in e.result.metrics.items()},
                "seconds": round(e.result.seconds, 3),
                "iterations": e.result.iterations,
                "recipe": json.loads(e.result.recipe.to_json()),
            }
            for e in self.workbench.entries
            if e.result is not None
        ]
        scene = self.workbench.scene
        report = {"data": scene.title, "notes": list(scene.notes), "results": rows} if scene else {"results": rows}
        replace_bytes(self.out / "report.json", json.dumps(report, indent=1).encode())
        from qtpy.QtWidgets import QWidget

        for widget in self.viewer.window._qt_window.findChildren(QWidget):
            if type(widget).__name__ == "NapariQtNotification":  # it would cover a part of the picture
                widget.close()
        self.viewer.screenshot(str(self.out / "screenshot.png"), canvas_only=False, flash=False)
        print(f"mlpatch demo: wrote {self.out / 'report.json'} and {self.out / 'screenshot.png'}")
        self.finish("")

    def _later(self, function: Callable[[], None], after_ms: int = 300) -> None:
        from qtpy.QtCore import QTimer

        QTimer.singleShot(after_ms, function)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
