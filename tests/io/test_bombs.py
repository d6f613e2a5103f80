"""Small files that would open to gigabytes, and names that are no files: refused before memory or time is spent."""

import io as bytes_io
import os
import subprocess
import sys
import textwrap
import zipfile
import zlib

import h5py
import numpy as np
import pytest
from PIL import Image

from napari_mlpatch import io
from napari_mlpatch.core import budget
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.training import Files
from napari_mlpatch.training.data import open_data

unix = pytest.mark.skipif(sys.platform == "win32", reason="limits differ")


def png(path, side, mode="L"):
    """All of one value: a thousand times smaller than what it opens to."""
    Image.new(mode, (side, side)).save(path)
    return path


def npy_header(shape, dtype="<f4"):
    head = bytes_io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": dtype, "fortran_order": False, "shape": shape})
    return head.getvalue()


def npz(path, members, shape=(64, 64)):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for k in range(members):
            archive.writestr(f"a{k}.npy", npy_header(shape) + bytes(4 * int(np.prod(shape))))
    return path


def test_pictures_that_open_to_gigabytes(tmp_path):
    path = png(tmp_path / "bomb.png", 13_000)
    assert path.stat().st_size < 200_000
    for read in (io.image_from_file, io.read_image, io.open_picture):
        with pytest.raises(InputError, match="damaged: it says that its picture"):
            read(path)
    (tmp_path / "folder").mkdir()
    png(tmp_path / "folder" / "bomb.png", 13_000)
    with pytest.raises(InputError, match="its picture"):
        open_data(Files(paths=("folder",), hold_out=0), tmp_path)


def test_large_pictures_of_one_colour_are_no_bombs(tmp_path):
    assert io.image_from_file(png(tmp_path / "a.png", 3000, "RGB"))[0].shape == (3000, 3000)


def test_pictures_open_as_named_formats_only(tmp_path):
    (tmp_path / "x.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n")
    Image.new("L", (9, 9)).save(tmp_path / "y.png", format="ICO")
    for name in ("x.png", "y.png"):
        with pytest.raises(InputError, match="PNG, JPEG"):
            io.image_from_file(tmp_path / name)


def test_archives_of_many_members(tmp_path, monkeypatch):
    """Only what is used is read; each has room, all together do not."""
    monkeypatch.setenv(budget.VARIABLE, "0.01")
    path = tmp_path / "many.npz"
    np.savez_compressed(path, sinogram=np.ones((40, 64)), **{f"a{k}": np.zeros((500, 500)) for k in range(30)})
    assert io.load(path).data[0].shape == (40, 64)
    np.savez_compressed(path, sinogram=np.zeros((1500, 1500)), angles=np.arange(1500.0))
    with pytest.raises(InputError, match="may be used"):
        _ = io.load(path).data[0]
    with pytest.raises(InputError, match="10001 arrays"):
        io.load(npz(tmp_path / "more.npz", 10_001, (1,)))


def test_a_member_that_claims_more_than_it_holds(tmp_path):
    path = tmp_path / "claims.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("sinogram.npy", npy_header((2**20, 2**20)) + bytes(100))
    with pytest.raises(InputError, match="damaged: it says that sinogram"):
        io.load(path)


@pytest.mark.parametrize("shape", [(2**31, 2**31), (2**62, 8), (2**20, 2**10)])
def test_arrays_that_claim_more_than_the_file(tmp_path, shape):
    (tmp_path / "a.npy").write_bytes(npy_header(shape) + bytes(64))
    with pytest.raises(InputError):
        io.read_array(tmp_path / "a.npy")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("sinogram", shape=[min(n, 2**31) for n in shape], dtype="f4", chunks=(8, 8))
    with pytest.raises(InputError, match="was never written"):
        io.load(tmp_path / "a.h5").problem(angles_deg="0:180:3")


def test_matlab_variables_that_inflate(tmp_path, monkeypatch):
    monkeypatch.setenv(budget.VARIABLE, "0.01")
    packed = zlib.compress(bytes(30 * 2**20), 9)
    head = b"MATLAB 5.0".ljust(124) + b"\x00\x01IM"
    (tmp_path / "a.mat").write_bytes(head + np.array([15, len(packed)], "<u4").tobytes() + packed + bytes(8))
    with pytest.raises(InputError, match="implausibly large"):
        io.load(tmp_path / "a.mat")


def test_one_budget(monkeypatch):
    monkeypatch.setenv(budget.VARIABLE, "2")
    assert budget.limit() == 2**31
    assert budget.reserve(2**31, "It") == 2**31
    with pytest.raises(InputError, match=r"^It needs 2\.\d* GiB of memory, of which 2 GiB"):
        budget.reserve(2**31 + 2**25, "It")
    with pytest.raises(InputError, match="more than 10"):
        budget.reserve(budget.bytes_of((2**62, 2**62, 2**62), 8), "It")
    for odd in ("", "nan", "-1", "much"):
        monkeypatch.setenv(budget.VARIABLE, odd)
        assert budget.limit() > 2**20


@unix
def test_pipes_and_devices_are_no_files(tmp_path):
    os.mkfifo(tmp_path / "pipe.h5")
    os.mkfifo(tmp_path / "pipe.json")
    from napari_mlpatch.batch.replay import read_recipe
    from napari_mlpatch.weights import read_card

    for read in (io.load, io.read_image, io.image_from_file, io.read_angles, io.read_array):
        with pytest.raises(InputError):
            read(tmp_path / "pipe.h5")
    for read in (read_recipe, read_card):
        with pytest.raises(InputError, match="not a file"):
            read(tmp_path / "pipe.json")
    if os.path.exists("/dev/zero"):
        with pytest.raises(InputError):
            io.load("/dev/zero")


@pytest.mark.parametrize(
    "name", ["~nouser-at-all/x", "a\0b.h5", "x" * 5000, "x/" * 3000 + "y.h5", "", "/" + "y" * 300, "half\ud800"]
)
def test_names_that_are_none(name):
    from napari_mlpatch import weights
    from napari_mlpatch.batch.replay import read_recipe
    from napari_mlpatch.training import TrainingRecipe

    def found(suffix):
        return name + suffix

    for read, suffix in (
        *((read, "") for read in (io.load, io.read_image, io.image_from_file, io.read_angles, io.read_array)),
        (io.check_writable, ".tif"),
        (read_recipe, ".json"),
        (weights.find, ".safetensors"),
        (weights.read_card, ".json"),
        (TrainingRecipe.read, ".json"),
    ):
        with pytest.raises(InputError):
            read(found(suffix))


LITTLE = """
    import resource, sys
    import torch
    from napari_mlpatch.cli import main
    used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + 300 * 2**20,) * 2)
    print(*[main(line.split()) for line in sys.argv[1:]])
"""


@unix
@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="needs /proc")
def test_little_memory(tmp_path):
    """Under a limit of the address space commands end with a message and code 2, or do their work."""
    np.save(tmp_path / "large.npy", np.zeros((9000, 9000), np.float32))
    lines = (
        "simulate --operator identity --sample shepp-logan --size 4096 --out a.h5",
        "simulate --operator parallel-beam --sample camera --size 4096 --out b.h5",
        "reconstruct large.npy --angles 0:180:9000 --method fbp --out c.tif",
        "simulate --operator blur --image large.npy --out d.h5",
    )
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(LITTLE), *lines], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    assert set(done.stdout.splitlines()[-1].split()) <= {"0", "2"} and "2" in done.stdout


def test_folders_with_half_a_character(tmp_path):
    from napari_mlpatch.batch.folder import Folder

    with pytest.raises(InputError, match="half of a character"):
        Folder(f"{tmp_path}/half\ud800", "sweep")
