"""Files are old or new, whatever happens while they are written; nobody else's are replaced."""

import contextlib
import json
import os
import signal
import stat
import subprocess
import sys
import textwrap

import h5py
import numpy as np
import pytest
import tifffile
import torch

import napari_mlpatch as mp
from napari_mlpatch import io
from napari_mlpatch.core import files
from napari_mlpatch.core.errors import InputError

KINDS = (".tif", ".npy", ".h5", ".ome.tif", ".fits")
unix = pytest.mark.skipif(sys.platform == "win32", reason="signals and limits differ")


def problem():
    A = mp.operators.ParallelBeam(image_shape=(8, 8), angles_deg="0:180:6", detector_count=12)
    return mp.simulate(torch.ones(8, 8), A, mp.noise.Gaussian(), seed=0)


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


@pytest.mark.parametrize("suffix", KINDS)
def test_own_pictures_are_replaced_others_only_by_force(tmp_path, suffix):
    path = tmp_path / f"x{suffix}"
    for value in (1, 2):
        io.write_image(path, np.full((4, 4), value), {"method": "tv"})
    path.write_bytes(b"precious")
    with pytest.raises(InputError, match="has not made it"):
        io.write_image(path, np.ones((4, 4)))
    assert path.read_bytes() == b"precious"
    io.write_image(path, np.full((4, 4), 3), force=True)
    assert io.read_image(path)[0].max() == 3


def test_foreign_files_of_our_formats_are_not_ours(tmp_path):
    import tifffile
    from PIL import Image

    np.save(tmp_path / "a.npy", np.ones(3))
    tifffile.imwrite(tmp_path / "b.tif", np.ones((4, 4), np.float32), description='{"a": 1}')
    Image.new("L", (4, 4)).save(tmp_path / "c.tif")
    with h5py.File(tmp_path / "d.h5", "w") as file:
        file["image"] = np.ones((3, 3))
    for name in ("a.npy", "b.tif", "c.tif", "d.h5"):
        with pytest.raises(InputError, match="has not made it"):
            io.check_writable(tmp_path / name)
    with pytest.raises(InputError, match="has not made it"):
        io.write_measurement(tmp_path / "d.h5", problem())


def test_pictures_and_measurements_are_replaced_by_their_own_kind(tmp_path):
    path = tmp_path / "m.h5"
    for _ in range(2):
        io.write_measurement(path, problem())
    with pytest.raises(InputError, match="is a measurement of this program, which is not replaced by a picture"):
        io.write_image(path, np.ones((4, 4)))
    for _ in range(2):
        io.write_image(path, np.ones((4, 4)), force=True)
    with pytest.raises(InputError, match="is a picture of this program, which is not replaced by a measurement"):
        io.write_measurement(path, problem())
    io.write_measurement(path, problem(), force=True)
    assert torch.equal(io.read_measurement(path).y, problem().y)


def h5_add(path, name="extra", group="/"):
    with h5py.File(path, "r+") as file:
        file[group].create_dataset(name, data=np.arange(5))


def h5_edit(path, name):
    with h5py.File(path, "r+") as file:
        file[name][..., 0] += 1


def h5_attribute(path):
    with h5py.File(path, "r+") as file:
        file.attrs["mine"] = 1


def tiff_page(path):
    import tifffile

    tifffile.imwrite(path, np.ones((4, 4), np.float32), append=True)


def tiff_pixel(path):
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def json_key(path):
    notes = json.loads(path.with_suffix(".json").read_text()) | {"mine": 1}
    path.with_suffix(".json").write_text(json.dumps(notes))


CHANGES = {
    "dataset": (".h5", h5_add),
    "image": (".h5", lambda path: h5_edit(path, "image")),
    "attribute": (".h5", h5_attribute),
    "page": (".tif", tiff_page),
    "pixel": (".tif", tiff_pixel),
    "array": (".npy", lambda path: np.save(path, np.zeros((4, 4), np.float32))),
    "notes": (".npy", json_key),
    "beside the data": ("m.h5", lambda path: h5_add(path, group="mlpatch")),
    "data": ("m.h5", lambda path: h5_edit(path, "mlpatch/y")),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_somebody_has_changed_since_is_not_ours(tmp_path, change):
    suffix, edit = CHANGES[change]
    path = tmp_path / f"x{suffix}"

    def write(**more):
        if suffix == "m.h5":
            io.write_measurement(path, problem(), **more)
        else:
            io.write_image(path, np.ones((4, 4)), {"method": "tv"}, **more)

    write()
    write()
    edit(path)
    edited = {file: file.read_bytes() for file in tmp_path.iterdir()}
    with pytest.raises(InputError, match="has been changed since"):
        write()
    assert {file: file.read_bytes() for file in tmp_path.iterdir()} == edited
    write(force=True)
    write()


def test_an_array_does_not_cost_somebody_elses_notes(tmp_path):
    (tmp_path / "x.json").write_text('{"precious": true}')
    with pytest.raises(InputError, match=r"x\.json is there already"):
        io.write_image(tmp_path / "x.npy", np.ones((4, 4)))
    assert list(tmp_path.iterdir()) == [tmp_path / "x.json"]


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


def test_an_input_is_not_replaced_by_any_name(tmp_path):
    io.write_measurement(tmp_path / "m.h5", problem())
    os.link(tmp_path / "m.h5", tmp_path / "hard.h5")
    (tmp_path / "soft.h5").symlink_to("m.h5")
    (tmp_path / "sub").mkdir()
    for name in ("m.h5", "hard.h5", "soft.h5", "sub/../m.h5"):
        with pytest.raises(InputError, match="is what is read here"):
            io.check_writable(tmp_path / name, inputs=[tmp_path / "m.h5"])
        io.check_writable(tmp_path / name, inputs=[tmp_path / "m.h5"], force=True)
        io.check_writable(tmp_path / name, inputs=[tmp_path / "gone.h5"], kind="measurement")


@unix
@pytest.mark.parametrize("suffix", KINDS)
def test_mode_and_links_stay(tmp_path, suffix):
    path, link = tmp_path / f"x{suffix}", tmp_path / f"link{suffix}"
    io.write_image(path, np.ones((4, 4)))
    path.chmod(0o640)
    if suffix == ".npy":
        (tmp_path / "link.json").symlink_to("x.json")
    link.symlink_to(path.name)
    io.write_image(link, np.full((4, 4), 2))
    assert link.is_symlink() and stat.S_IMODE(path.stat().st_mode) == 0o640
    assert io.read_image(path)[0].max() == 2


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


# ---- files of earlier versions --------------------------------------------------------------------------------------


RECIPE = {"operator": {"name": "identity", "params": {}}, "method": {"name": "tv", "params": {}}}


def unsealed(path, recipe):
    """As versions before there were seals wrote it."""
    about = {"mlpatch_recipe": recipe, "pixel_size": None, "unit": None}
    if path.suffix == ".tif":
        tifffile.imwrite(path, np.ones((4, 4), np.float32), description=json.dumps(about), metadata=None)
    elif path.name.startswith("m"):
        io.write_measurement(path.with_name("sealed.h5"), problem())
        with h5py.File(path.with_name("sealed.h5")) as sealed, h5py.File(path, "w") as file:
            sealed.copy("mlpatch", file)
    else:
        with h5py.File(path, "w") as file:
            file["image"] = np.ones((4, 4), np.float32)
            file["about"] = np.frombuffer(json.dumps(about).encode(), np.uint8)


@pytest.mark.parametrize("name", ["x.tif", "x.h5"])
def test_pictures_of_earlier_versions_are_ours(tmp_path, name):
    unsealed(tmp_path / name, RECIPE)
    io.write_image(tmp_path / name, np.full((4, 4), 2))
    assert io.read_image(tmp_path / name)[0].max() == 2
    for other in (None, {"method": "tv"}, {"operator": 1}):  # no recipe that any version would have run
        unsealed(tmp_path / name, other)
        with pytest.raises(InputError, match="is there already"):
            io.write_image(tmp_path / name, np.ones((4, 4)))


def test_measurements_of_earlier_versions_are_ours(tmp_path):
    unsealed(tmp_path / "m.h5", None)
    io.write_measurement(tmp_path / "m.h5", problem())
    unsealed(tmp_path / "m.h5", None)
    with pytest.raises(InputError, match="is a measurement of this program"):
        io.write_image(tmp_path / "m.h5", np.ones((4, 4)))
