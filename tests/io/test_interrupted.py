"""Files are whole, old or new, where writing is killed, or the disk is full."""

import contextlib
import os
import signal
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from napari_mlpatch import io
from napari_mlpatch.core import files

from .pictures import KINDS, problem, unix


def in_a_process(code, *args, **more):
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, args)], capture_output=True, text=True, **more
    )


def dying(after):
    """``os.replace`` that is interrupted the next time but so many."""
    replace, left = os.replace, [after]

    def replace_or_die(*names):
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        replace(*names)

    return replace_or_die


def test_a_kill_between_array_and_notes_leaves_a_pair(tmp_path, monkeypatch):
    path = tmp_path / "x.npy"
    io.write_image(path, np.full((4, 4), 1), {"method": "old"})
    for stop in range(4):
        io.write_image(path, np.full((4, 4), 1), {"method": "old"})
        with monkeypatch.context() as patch:
            patch.setattr(os, "replace", dying(after=stop))
            with contextlib.suppress(KeyboardInterrupt):
                io.write_image(path, np.full((4, 4), 2), {"method": "new"})
        array, recipe = io.read_image(path)
        assert (array.max(), recipe) in [(1, {"method": "old"}), (2, {"method": "new"})]
        assert sorted(p.name for p in tmp_path.iterdir()) == ["x.json", "x.npy"]


@unix
def test_what_killed_processes_left_is_removed(tmp_path):
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    dead = tmp_path / f".mlpatch-{files.HERE}-{child.pid}-0123456789ab.tif"
    living = tmp_path / f".mlpatch-{files.HERE}-{os.getppid()}-0123456789ab.tif"
    elsewhere = tmp_path / f".mlpatch-{'0' * 8}-{child.pid}-0123456789ab.tif"
    others = tmp_path / ".precious.tif"
    for path in (dead, living, elsewhere, others):
        path.touch()
    io.write_image(tmp_path / "x.tif", np.ones((4, 4)))
    assert not dead.exists() and living.exists() and elsewhere.exists() and others.exists()


FULL = """
    import resource, sys
    import numpy as np, torch
    import napari_mlpatch as mp
    from napari_mlpatch import io
    random = torch.rand(1, 1, 256, 256)
    A = mp.operators.Identity(image_shape=(256, 256))
    problem = mp.Problem(A, random)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
    for path in sys.argv[1:]:
        try:
            io.write_measurement(path, problem) if "m." in path else io.write_image(path, random)
        except mp.InputError as error:
            print(error)
"""


@unix
def test_a_full_disk(tmp_path):
    """A limit on the size of files: writing beyond it fails as it does on a full disk."""
    paths = [tmp_path / name for name in ("x.tif", "x.npy", "x.h5", "x.ome.tif", "x.fits", "m.h5")]
    for path in paths[:-1]:
        io.write_image(path, np.ones((4, 4)))
    io.write_measurement(paths[-1], problem())
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    done = in_a_process(FULL, *paths)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Free some space") == len(paths), done.stdout
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


KILLED = """
    import sys
    import numpy as np
    from napari_mlpatch import io
    k = 0
    while True:
        k += 1
        for path in sys.argv[1:]:
            io.write_image(path, np.full((300, 300), k), {"k": k})
        print(k, flush=True)
"""


@unix
def test_killed_while_writing(tmp_path):
    """At random moments; afterwards each file is whole, and its recipe is its own."""
    paths = [tmp_path / f"x{suffix}" for suffix in KINDS]
    random = np.random.default_rng(0)
    for _ in range(3):
        child = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(KILLED), *map(str, paths)], stdout=subprocess.PIPE, text=True
        )
        assert child.stdout is not None
        for _ in range(int(random.integers(1, 12))):
            assert child.stdout.readline()
        for _ in range(int(random.integers(0, 20_000))):
            pass
        child.send_signal(signal.SIGKILL)
        child.communicate()
        for path in paths:
            array, recipe = io.read_image(path)
            assert recipe is not None and (array == recipe["k"]).all()
    io.check_writable(paths[0])
    assert sorted(p.name for p in tmp_path.iterdir()) == ["x.fits", "x.h5", "x.json", "x.npy", "x.ome.tif", "x.tif"]


@unix
def test_a_full_tmpfs(tmp_path):
    """A disk that is really full, where a small one can be mounted (as root, or in a name space of one's own)."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["unshare", "-rm", "sh", "-c", 'mount -t tmpfs -o size=300k none "$0" && exec "$@"', str(place)]
    try:
        if subprocess.run([*mount, "true"], capture_output=True, check=False, timeout=60).returncode:
            pytest.skip("no disk can be mounted here")
    except FileNotFoundError:
        pytest.skip("no unshare here")
    program = textwrap.dedent(FULL).replace("resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))", "SMALL")
    small = """small = mp.Problem(mp.operators.Identity(image_shape=(4, 4)), torch.ones(1, 1, 4, 4))
for path in sys.argv[1:]:
    io.write_measurement(path, small) if "m." in path else io.write_image(path, small.y)
before = {path: open(path, "rb").read() for path in sys.argv[1:]}
open(sys.argv[1] + ".filler", "wb").write(b"x" * 200_000)"""
    after = "\nassert {path: open(path, 'rb').read() for path in sys.argv[1:]} == before"
    paths = [str(place / name) for name in ("x.tif", "x.npy", "x.h5", "m.h5")]
    command = [*mount, sys.executable, "-c", program.replace("SMALL", small) + after, *paths]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Free some space") == len(paths), done.stdout
