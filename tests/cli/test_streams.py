"""Output goes to terminals, files and pipes of any encoding; full and closed ones too."""

import io
import json
import os
import subprocess
import sys

import pytest

from napari_mlpatch.cli import main
from napari_mlpatch.cli.streams import Guarded
from napari_mlpatch.core.errors import InputError

COMMAND = [sys.executable, "-m", "napari_mlpatch.cli"]
ESCAPE = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202e"


def guarded(encoding):
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="")
    return Guarded(stream, matter=True), stream.buffer


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "ascii", "latin-1", "cp437", "utf-16"])
def test_every_encoding(encoding):
    text = json.dumps({"a": "µ ‖A‖² Aᵀ → 😀" + ESCAPE}, ensure_ascii=False)
    stream, written = guarded(encoding)
    stream.write(text + "\n")
    stream.flush()
    shown = written.getvalue().decode(encoding)
    assert json.loads(shown) == json.loads(text)
    assert not any((ord(c) < 32 and c != "\n") or 127 <= ord(c) < 160 or c == "\u202e" for c in shown)


@pytest.mark.parametrize("encoding", ["ascii", "cp1252:strict"])
@pytest.mark.parametrize("line", ["list operators", "weights list", "--help"])
def test_commands_in_small_encodings(encoding, line):
    environment = os.environ | {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    done = subprocess.run([*COMMAND, *line.split()], env=environment, capture_output=True, check=False)
    assert done.returncode == 0 and done.stdout and not done.stderr, done.stderr


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
def test_a_full_disk():
    with open("/dev/full", "w") as full:
        done = subprocess.run([*COMMAND, "list", "noises"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
        assert done.returncode == 2
        assert done.stderr.startswith("mlpatch: The results cannot be written") and done.stderr.count("\n") == 1
        done = subprocess.run([*COMMAND, "list", "moons"], stderr=full, stdout=subprocess.PIPE, text=True, check=False)
        assert done.returncode == 2 and done.stdout == ""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell")
@pytest.mark.parametrize(("closed", "code"), [(">&-", 0), ("2>&-", 0), ("<&- >&- 2>&-", 0)])
def test_closed_streams(closed, code, tmp_path):
    line = f'exec "{sys.executable}" -m napari_mlpatch.cli list noises {closed}'
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == code and not done.stderr
    assert list(tmp_path.iterdir()) == []


def test_names_with_escapes_are_shown_harmlessly(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["reconstruct", f"{ESCAPE}.h5", "--method", "fbp", "--out", "x.tif"]) == 2
    error = capsys.readouterr().err
    assert "\\u001b" in error and "\\u202e" in error and "\x1b" not in error and "\x9b" not in error
    assert "\x1b" not in str(InputError(ESCAPE))


@pytest.mark.parametrize("raised", [MemoryError("17 GB"), RuntimeError("DefaultCPUAllocator: can't allocate memory")])
def test_out_of_memory_outside_of_a_run(raised, capsys, monkeypatch):
    def fails(*given):
        raise raised

    monkeypatch.setattr("napari_mlpatch.cli.simulate.run", fails)
    assert main(["simulate", "--operator", "identity", "--sample", "camera", "--out", "m.h5"]) == 2
    assert capsys.readouterr().err.startswith("mlpatch: Out of memory (")


def test_other_packages_may_raise_anything(capsys, monkeypatch):
    class Odd(BaseException):
        pass

    def fails(*given):
        raise Odd

    monkeypatch.setattr("napari_mlpatch.cli.simulate.run", fails)
    assert main(["simulate", "--operator", "identity", "--sample", "camera", "--out", "m.h5"]) == 70
