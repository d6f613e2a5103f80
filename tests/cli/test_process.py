"""The command as a process: Ctrl-C, progress, pipes, errors of our own, no screen."""

import io as text_io
import json
import signal
import subprocess
import sys

import numpy as np
import pytest
import torch

from napari_mlpatch.cli import execute, output
from napari_mlpatch.core.method import Iterate
from napari_mlpatch.core.run import Progress

COMMAND = [sys.executable, "-m", "napari_mlpatch.cli"]
ENDLESS = "reconstruct m.h5 --method tv --set iterations=100000 --set tolerance=0 --out out.tif"


def test_a_whole_session_without_a_screen(here):
    code = """
import sys
from napari_mlpatch.cli import main
for line in sys.argv[1:]:
    assert main(line.split()) == 0, line
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""
    lines = (
        "list methods",
        "simulate --operator parallel-beam --sample camera --size 32 --out c.h5",
        "reconstruct c.h5 --method tv --set iterations=3 --out c.tif",
        "evaluate c.tif",
        "replay c.tif --out again.tif",
    )
    done = subprocess.run([sys.executable, "-c", code, *lines], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    loaded = set(done.stdout.splitlines()[-1].split())
    assert "torch" in loaded
    assert not loaded & {"napari", "qtpy", "magicgui", "superqt", "pyqtgraph", "PyQt5", "PyQt6", "PySide6"}


@pytest.mark.parametrize("module", ["napari_mlpatch", "napari_mlpatch.cli"])
def test_modules_that_are_the_command(module):
    done = subprocess.run([sys.executable, "-m", module, "--version"], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "mlpatch" in done.stdout, done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="signals differ")
def test_ctrl_c(here):
    (here / "out.tif").write_bytes((here / "x.tif").read_bytes())
    # A shell lets its background jobs ignore SIGINT, and their children inherit that.
    heard = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        process = subprocess.Popen([*COMMAND, *ENDLESS.split()], stderr=subprocess.PIPE, text=True)
    finally:
        signal.signal(signal.SIGINT, heard)
    assert process.stderr is not None
    while "image 64 x 64, data" not in process.stderr.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "mlpatch: interrupted" in error and "Traceback" not in error
    assert (here / "out.tif").read_bytes() == (here / "x.tif").read_bytes()
    assert not list(here.glob(".*"))


@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_cancels_after_the_step(here, mlpatch, monkeypatch, times):
    """The first one asks, the second one does not wait."""
    steps = []

    def show(self, step):
        if step.iterate is not None:
            steps.append(step)
        if len(steps) == 3:
            for _ in range(times):
                signal.raise_signal(signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr(execute._Progress, "show", show)
    code, text, error = mlpatch(ENDLESS)
    assert code == 130 and text == "" and len(steps) == 3
    assert "cancelling after this step" in error and error.endswith("mlpatch: interrupted\n")
    assert not (here / "out.tif").exists()
    assert signal.getsignal(signal.SIGINT) is before


class Terminal(text_io.StringIO):
    def isatty(self):
        return True


def steps(count):
    for k in range(1, count):
        yield Progress(Iterate(torch.zeros(0), k, count), k, count - k, {"weight": float(k), "psnr": 30.123})


def test_progress_rewrites_one_line_on_a_terminal(monkeypatch):
    monkeypatch.setattr(execute, "LINE_SECONDS", 0.0)
    monkeypatch.setenv("COLUMNS", "30")
    stream = Terminal()
    with execute._Progress("tv", stream) as progress:
        for step in steps(5):
            progress.show(step)
    text = stream.getvalue()
    assert "\n" not in text and text.endswith("\r\x1b[K")
    parts = text.split("\r\x1b[K")[1:-1]
    assert len(parts) == 4 and parts[0].rstrip() == "tv 1/5  4 s left  psnr 30.12"
    assert max(map(len, parts)) <= 29


def test_progress_is_sparse_in_a_log(monkeypatch):
    monkeypatch.setattr(execute, "LOG_SECONDS", 1.0)
    now = iter(range(1000))
    monkeypatch.setattr(execute.time, "monotonic", lambda: next(now))
    stream = text_io.StringIO()
    with execute._Progress("tv", stream) as progress:
        for step in steps(100):
            progress.show(step)
    lines = stream.getvalue().splitlines()
    assert 5 < len(lines) < 12 and lines[0].startswith("tv 1/100  ") and "psnr 30.12" in lines[0]


def test_an_error_of_our_own_is_neither_bad_input_nor_a_missed_figure(here, mlpatch, monkeypatch):
    monkeypatch.setattr(execute, "execute", lambda *given: 1 / 0)
    code, text, error = mlpatch("reconstruct m.h5 --method fbp --out out.tif")
    assert code == 70 and text == "" and "ZeroDivisionError" in error and "error in the program" in error


def test_head_may_close_the_pipe(here):
    process = subprocess.Popen([*COMMAND, "--help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    assert process.wait(60) == 0 and process.stderr.read() == b""


def test_json_has_finite_numbers_only(capsys):
    output.print_json({"a": (float("nan"), float("inf"), 1.5), "b": np.float32("nan"), 3: np.arange(2)})
    assert json.loads(capsys.readouterr().out) == {"a": [None, None, 1.5], "b": None, "3": [0, 1]}


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.0123, "0.012 s"), (3.21, "3.2 s"), (42.4, "42 s"), (150, "2.5 min"), (7200, "2.0 h")]
)
def test_durations(seconds, text):
    assert output.duration(seconds) == text
