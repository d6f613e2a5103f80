"""The pictures and the film of the documentation, from the real window, driven through its widgets.

    xvfb-run -a -s "-screen 0 1600x1000x24" python docs/make_pictures.py            # docs/*.png, build/pictures
    python docs/make_pictures.py --stack                                            # all-slices.png, by itself
    python docs/make_pictures.py --film build/workbench.mp4                         # a minute of it, as well

Takes some minutes. Committed are the few pictures that the texts show, ``COMMITTED``, reduced in size and colours.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

ROOT = Path(__file__).parents[1]
COMMITTED = {
    "grid": "workbench.png",
    "help": "help.png",
    "wipe": "wipe.png",
    "microscope": "microscope.png",
    "slices": "all-slices.png",
}
"""Pictures by the name of their moment, and the files in docs/."""
WIDTH, SMALL = 1120, 560
"""Pixels of the first picture, and of those that stand beside a text."""
LARGE = ("grid", "slices")
COLOURS = 256
FILM_SECONDS = 60
FRAMES_A_SECOND = 8
EVERY = 0.3
"""Seconds between two frames of what goes on by itself."""
PATIENCE = 900.0
RUNS: tuple[tuple[str, dict[str, Any], str | None], ...] = (
    ("fbp", {"window": "hann"}, None),
    ("tv", {"iterations": 60}, None),
    ("unet", {}, "unet-ct-body"),
    ("unrolled", {}, "lpd-ct-body"),
    ("tikhonov", {}, None),
    ("pnp-admm", {"iterations": 8, "falling": 6}, "mlpatch-ct-small"),
)
"""Method, parameters, weights."""
SIDE, SLICES = 160, 32
"""Of the pictures of a stack, and how many it has."""
PIXELS = ((110, 96), (150, 128), (90, 170))
"""Row and column of what the microscope looks at."""


class Camera:
    """Takes pictures of the window, and keeps the frames of the film with a caption."""

    def __init__(self, viewer: Any, out: Path, filmed: bool):
        self.viewer, self.out, self.filmed = viewer, out, filmed
        self.frames: list[np.ndarray] = []
        self.caption = ""
        out.mkdir(parents=True, exist_ok=True)

    def grab(self, over: Any = None) -> Any:
        """The window as a QImage, without napari's notifications; ``over`` is a dialog that lies on top of it."""
        from qtpy.QtCore import QPoint
        from qtpy.QtGui import QPainter
        from qtpy.QtWidgets import QWidget

        window = self.viewer.window._qt_window
        for widget in window.findChildren(QWidget):
            if type(widget).__name__ == "NapariQtNotification":
                widget.close()
        picture = window.grab()
        if over is not None and over.isVisible():
            painter = QPainter(picture)
            painter.drawPixmap(QPoint(40, 60), over.grab())
            painter.end()
        return picture.toImage()

    def still(self, name: str, of: Any = None) -> None:
        """A picture of this moment: of the window, or of a dialog."""
        pixels = _pixels(self.grab() if of is None else of.grab().toImage())
        Image.fromarray(pixels).save(self.out / f"{name}.png")
        if name in COMMITTED:
            small = Image.fromarray(pixels)
            width = WIDTH if name in LARGE else SMALL
            small.thumbnail((width, width), Image.Resampling.LANCZOS)
            small = small.quantize(COLOURS, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
            small.save(ROOT / "docs" / COMMITTED[name], optimize=True)
        print(f"make_pictures: {name}")

    def frame(self, repeat: int = 1, over: Any = None) -> None:
        """A frame of the film, shown for ``repeat`` of its periods."""
        if self.filmed:
            from qtpy.QtCore import QRect, Qt
            from qtpy.QtGui import QColor, QFont, QPainter

            image = self.grab(over)
            painter = QPainter(image)
            band = QRect(0, image.height() - 64, image.width(), 40)
            painter.fillRect(band, QColor(0, 0, 0, 190))
            painter.setPen(QColor("white"))
            painter.setFont(QFont("sans-serif", 15))
            painter.drawText(band, Qt.AlignmentFlag.AlignCenter, self.caption)
            painter.end()
            self.frames += [_pixels(image)] * repeat

    def until(self, ready: Callable[[], Any]) -> None:
        """Let the window work until something is so, filming."""
        from qtpy.QtWidgets import QApplication

        end, last = time.monotonic() + PATIENCE, 0.0
        while not ready():
            QApplication.processEvents()
            time.sleep(0.01)
            if time.monotonic() - last > EVERY:
                self.frame()
                last = time.monotonic()
            if time.monotonic() > end:
                raise TimeoutError(f"{self.caption}: it was not done within {PATIENCE:.0f} s")

    def rest(self, seconds: float, shown: float = 0.0, over: Any = None) -> None:
        """Let the window come to rest; then show it in the film for ``shown`` seconds."""
        end = time.monotonic() + seconds
        self.until(lambda: time.monotonic() > end)
        if shown:
            self.frame(round(shown * FRAMES_A_SECOND), over)

    def write(self, path: Path) -> None:
        """The film, a minute long whatever was recorded."""
        from imageio_ffmpeg import write_frames

        path.parent.mkdir(parents=True, exist_ok=True)
        height, width = (n // 16 * 16 for n in self.frames[0].shape[:2])
        fps = len(self.frames) / FILM_SECONDS
        writer = write_frames(str(path), (width, height), fps=fps, output_params=["-crf", "28"], macro_block_size=16)
        writer.send(None)
        for frame in self.frames:
            writer.send(np.ascontiguousarray(frame[:height, :width]))
        writer.close()
        print(f"make_pictures: {path}, {len(self.frames)} frames, {path.stat().st_size / 1e6:.1f} MB")


def tour(viewer: Any, camera: Camera) -> None:
    """From an empty window to a comparison: what the tutorials tell."""
    from napari_mlpatch.gui import open_workbench
    from napari_mlpatch.gui.compare.parts import views
    from napari_mlpatch.gui.session import session
    from napari_mlpatch.workbench.ranking import by_metric

    here = session(viewer)
    workbench, stage = here.workbench, here.stage
    camera.caption = "Plugins > MLPatch > Workbench"
    viewer.window.add_dock_widget(open_workbench(), name="Workbench (MLPatch)", area="right")
    camera.rest(2.0, shown=3)

    camera.caption = "File > Open Sample > MLPatch > Body CT, 60 angles: a measurement whose truth is known"
    here.show("Problem")
    page = here.docks["Problem"].simulated
    next(a for a in page.samples.menu().actions() if a.text().startswith("Body CT")).trigger()
    camera.until(lambda: workbench.scene is not None)
    camera.rest(3.0, shown=4)
    camera.still("problem")

    camera.caption = "Each method has its form, and a page of help"
    here.show("Reconstruct")
    dock = here.docks["Reconstruct"]
    dock.method.setCurrentIndex(dock.method.findData("tv"))
    dock.help.click()
    camera.until(lambda: dock.help.dialog.text.picture is not None)
    camera.rest(1.0, shown=5, over=dock.help.dialog)
    camera.still("help", of=dock.help.dialog)
    dock.help.dialog.close()

    camera.caption = "Run: iterates appear as they come, six methods in a queue"
    for name, params, weights in RUNS:
        dock.method.setCurrentIndex(dock.method.findData(name))
        if weights is not None:
            dock.weights.setCurrentIndex(dock.weights.findData(weights))
            dock.weights.activated.emit(dock.weights.currentIndex())
        dock.form.set_values(params)
        camera.until(dock.run_button.isEnabled)
        dock.run_button.click()
        camera.rest(0.2)
    camera.until(lambda: len(workbench.entries) == len(RUNS) and not any(e.job.active for e in workbench.entries))
    camera.rest(1.0, shown=2)
    wrong = [f"{e.title}: {e.job.message}" for e in workbench.entries if e.result is None]
    if wrong:
        raise RuntimeError("; ".join(wrong))

    here.show("Reconstruct")
    workbench.sort(by_metric("psnr"))
    best, second = workbench.entries[:2]
    workbench.select(best)
    workbench.set_other(second)
    for kind, views_of in (("picture", [*views]), ("error", [views.get("grid")])):
        stage.set_kind(kind)
        for view in views_of:
            stage.set_view(view.name)
            first = " ".join((view.__doc__ or "").strip().split("\n\n")[0].split())
            camera.caption = f"{view.title}: {first}" if kind == "picture" else f"{view.title} of the errors"
            camera.rest(3.0, shown=3)
            camera.still(
                "grid" if view.name == "grid" and kind == "picture" else kind if kind != "picture" else view.name
            )
    stage.set_kind("picture")
    stage.set_view("single")

    camera.caption = "Patch microscope: where an MLPatch network looks when it makes a pixel"
    here.show("Patch microscope")
    camera.rest(2.0)
    for row, column in PIXELS:
        here.docks["Patch microscope"].look_at(row, column)
        camera.rest(1.0, shown=1.5)
    camera.still("microscope")
    camera.caption = "Take away: the picture with its recipe, Python, a command; again bit for bit"
    here.show("Compare")
    camera.rest(1.0, shown=4)


def stack(viewer: Any, camera: Camera, path: Path) -> None:
    """All slices of a scan: what the page on many slices tells. ``path`` is where the scan and its volume go."""
    import h5py

    import napari_mlpatch as mp
    from napari_mlpatch.gui.session import session
    from napari_mlpatch.torch_later import torch

    image = mp.io.samples.image("body-slice", size=SIDE)
    low, high = float(image.min()), float(image.max())
    x = np.stack([np.roll(0.02 * (image - low) / (high - low), k, axis=0) for k in range(SLICES)])[:, None]
    A = mp.operators.ParallelBeam(
        image_shape=(SIDE, SIDE), angles_deg=f"0:180:{2 * SIDE}", detector_count=3 * SIDE // 2
    )
    y = A(torch.from_numpy(x.astype(np.float32)))[:, 0].numpy()
    flat = 40000 * (1 + 0.01 * np.random.default_rng(0).standard_normal(y.shape[::2]))  # the detector's gains drift
    with h5py.File(path / "scan.h5", "w") as file:
        file["exchange/data"] = (flat[:, None] * np.exp(-y)).swapaxes(0, 1).round().astype(np.uint16)
        file["exchange/data_white"] = np.full((1, *flat.shape), 40000, np.uint16)
        file["exchange/data_dark"] = np.zeros((1, *flat.shape), np.uint16)
        file["exchange/theta"] = np.linspace(0.0, 180.0, 2 * SIDE, endpoint=False)
    here = session(viewer)
    here.open_all()
    here.docks["Problem"].measured.load(path / "scan.h5")
    camera.until(lambda: here.workbench.scene is not None)
    here.workbench.run(mp.methods.FBP(window="hann"))
    camera.until(lambda: here.workbench.entries[0].result is not None)
    here.show("All slices")
    dock = here.docks["All slices"]
    camera.until(lambda: dock.cost is not None)
    dock.output.set_path(str(path / "volume.zarr"))
    dock.care.append("rings")
    dock.rows.run.click()
    camera.until(lambda: not dock.stacks.running)
    camera.until(lambda: [la.name for la in here.volumes.find(dock.output.path())] == ["volume"])
    viewer.dims.set_current_step(0, SLICES // 2)
    dock.output.set_path("volume.zarr")  # a short name for the picture
    camera.rest(3.0)
    camera.still("slices")


def _pixels(image: Any) -> np.ndarray:
    """A QImage as ``[rows, columns, 3]`` uint8."""
    from qtpy.QtGui import QImage

    image = image.convertToFormat(QImage.Format.Format_RGB888)
    rows, columns, stride = image.height(), image.width(), image.bytesPerLine()
    bits = image.constBits()
    if hasattr(bits, "setsize"):
        bits.setsize(rows * stride)
    flat = np.frombuffer(bytes(bits), np.uint8).reshape(rows, stride)
    return flat[:, : 3 * columns].reshape(rows, columns, 3).copy()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", default=str(ROOT / "build" / "pictures"), help="folder for all pictures")
    parser.add_argument("--film", help="an .mp4 to write as well")
    parser.add_argument("--size", default="1280x800", help="of the window")
    parser.add_argument("--stack", action="store_true", help="only the picture of all slices, in half a minute")
    parser.add_argument("--theme", default="dark", help="dark or light")
    options = parser.parse_args()
    os.environ["NAPARI_CONFIG"] = ""  # pictures do not follow the settings of who makes them, nor change them
    import napari
    from napari.settings import get_settings

    get_settings().appearance.theme = options.theme

    viewer = napari.Viewer(title="napari", show=True)
    viewer.window.resize(*(int(n) for n in options.size.split("x")))
    camera = Camera(viewer, Path(options.out), bool(options.film))
    if options.stack:
        with tempfile.TemporaryDirectory() as folder:
            stack(viewer, camera, Path(folder))
    else:
        tour(viewer, camera)
    if options.film:
        camera.write(Path(options.film))
    viewer.close()


if __name__ == "__main__":
    main()
