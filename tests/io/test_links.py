"""Links of HDF5 files: found, followed by hand, never out of the folder unasked; nothing missing reads as zeros."""

import os

import h5py
import numpy as np
import pytest

from napari_mlpatch import io
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.io.readers import h5_tree

from .files import ANGLES, BINS, angles, sinogram


def plain(path, name="raw/block"):
    with h5py.File(path, "w") as file:
        file[name] = sinogram()[0]
    return path


def linked(path, **links):
    with h5py.File(path, "w") as file:
        file["theta"] = angles()
        for name, link in links.items():
            file[name.replace("_", "/")] = link
    return path


def check(path, **options):
    problem = io.read_measurement(path, **options)
    assert np.array_equal(problem.y[0, 0].numpy(), sinogram()[0])
    assert np.array_equal(io.open_source(problem.source).y, problem.y)


def test_soft_and_hard_links(tmp_path):
    path = linked(tmp_path / "a.h5", scan_sinogram=h5py.SoftLink("/raw/block"))
    with h5py.File(path, "a") as file:
        file["raw/block"] = sinogram()[0]
        file["raw/again"] = file["raw/block"]
        file["group"] = h5py.SoftLink("scan")
        file["raw/round"] = h5py.SoftLink("/raw")  # leads round
        file["itself"] = h5py.SoftLink("/itself")
    check(path)
    for name in ("scan/sinogram", "/scan/sinogram", "raw/again", "group/sinogram"):
        check(path, dataset=name)


def test_links_to_files_in_the_folder(tmp_path):
    (tmp_path / "below").mkdir()
    plain(tmp_path / "below" / "b.h5")
    check(linked(tmp_path / "a.h5", sinogram=h5py.ExternalLink("below/b.h5", "/raw/block")))
    check(linked(tmp_path / "c.h5", sinogram=h5py.ExternalLink(str(tmp_path / "below" / "b.h5"), "raw/block")))
    plain(tmp_path / "moved.h5")  # an absolute name of another computer, the file lies beside
    check(linked(tmp_path / "d.h5", sinogram=h5py.ExternalLink("/no/such/place/moved.h5", "raw/block")))


@pytest.mark.parametrize(
    ("link", "words"),
    [
        (h5py.ExternalLink("gone.h5", "x"), r"'sinogram' is in 'gone.h5', which is missing"),
        (h5py.ExternalLink("b.h5", "x/y"), r"'sinogram' is a link to 'x/y' of 'b.h5', which does not exist"),
        (h5py.SoftLink("/nowhere"), r"'sinogram' is a link to '/nowhere', which does not exist"),
        (h5py.SoftLink("/sinogram"), "leads round"),
        (h5py.ExternalLink("text.h5", "x"), "cannot be opened as HDF5"),
    ],
)
def test_dead_links_are_named(tmp_path, link, words):
    plain(tmp_path / "b.h5")
    (tmp_path / "text.h5").write_text("no HDF5")
    path = linked(tmp_path / "a.h5", sinogram=link, other=sinogram()[1])
    for options in ({}, {"dataset": "sinogram"}):
        with pytest.raises(InputError, match=words) as caught:
            io.load(path, **options)
        assert "damaged" not in str(caught.value)
    assert np.array_equal(io.load(path, dataset="other").data[0], sinogram()[1])


@pytest.mark.parametrize("how", ["link", "relative", "symlink", "virtual", "link to link"])
def test_leaving_the_folder_needs_a_word(tmp_path, how):
    folder = tmp_path / "scan"
    folder.mkdir()
    secret = plain(tmp_path / "secret.h5")
    name = "../secret.h5" if how == "relative" else str(secret)
    path = folder / "a.h5"
    if how == "symlink":
        os.symlink(secret, folder / "s.h5")
        name = "s.h5"
    if how == "virtual":
        layout = h5py.VirtualLayout((ANGLES, BINS), "f4")
        layout[:] = h5py.VirtualSource(name, "raw/block", (ANGLES, BINS))
        with h5py.File(path, "w") as file:
            file.create_virtual_dataset("sinogram", layout)
            file["theta"] = angles()
    elif how == "link to link":
        linked(folder / "b.h5", sinogram=h5py.ExternalLink(name, "raw/block"))
        linked(path, sinogram=h5py.ExternalLink("b.h5", "sinogram"))
    else:
        linked(path, sinogram=h5py.ExternalLink(name, "raw/block"))
    with pytest.raises(InputError, match=r"outside of the folder of this file: give outside_links=True"):
        io.load(path)
    check(path, outside_links=True)


def virtual(path, sources):
    layout = h5py.VirtualLayout((ANGLES, BINS), "f4")
    for i, name in enumerate(sources):
        layout[i * 10 : (i + 1) * 10] = h5py.VirtualSource(name, "part", (10, BINS))
    with h5py.File(path, "w") as file:
        file.create_virtual_dataset("sinogram", layout, fillvalue=0)
        file["theta"] = angles()
    return path


def test_virtual_datasets(tmp_path):
    for i in range(2):
        with h5py.File(tmp_path / f"part{i}.h5", "w") as file:
            file["part"] = sinogram()[0][10 * i : 10 * i + 10]
    check(virtual(tmp_path / "a.h5", ["part0.h5", "part1.h5"]))
    (tmp_path / "part1.h5").unlink()
    with pytest.raises(InputError, match=r"put together from other arrays, of which 'part' is in 'part1.h5', which is"):
        io.load(tmp_path / "a.h5")
    with h5py.File(tmp_path / "part1.h5", "w") as file:
        file["another"] = 1.0
    with pytest.raises(InputError, match=r"of which 'part' is a link to 'part' of 'part1.h5', which does not exist"):
        io.load(tmp_path / "a.h5")


def test_raw_storage_elsewhere_is_refused(tmp_path):
    secret = tmp_path / "secret.bin"
    secret.write_bytes(sinogram()[0].tobytes())
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("sinogram", (ANGLES, BINS), "f4", external=[(str(secret), 0, h5py.h5f.UNLIMITED)])
        file["theta"] = angles()
    for options in ({}, {"dataset": "sinogram"}, {"outside_links": True}):
        with pytest.raises(InputError, match=r"raw bytes in .*secret.bin.*not read"):
            io.load(tmp_path / "a.h5", **options)


def test_own_files_never_lead_elsewhere(tmp_path):
    """A picture or measurement of this program holds its values itself."""
    plain(tmp_path / "b.h5")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["image"] = h5py.ExternalLink("b.h5", "raw/block")
    with pytest.raises(InputError, match="link to another file"):
        io.read_image(tmp_path / "a.h5")
    with h5py.File(tmp_path / "c.h5", "w") as file:
        file.create_dataset("image", (4, 4), "f4", external=[(str(tmp_path / "b.h5"), 0, 64)])
    with pytest.raises(InputError, match="in another file"):
        io.read_image(tmp_path / "c.h5")


def test_a_missing_flat_is_not_left_out(tmp_path):
    path = linked(tmp_path / "a.h5", sinogram=sinogram()[0], flats=h5py.ExternalLink("gone.h5", "x"))
    with pytest.raises(InputError, match=r"'flats' is in 'gone.h5', which is missing"):
        io.load(path)


def test_names_without_end(tmp_path, monkeypatch):
    """Links among groups make more names than a file can be worth."""
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for i in range(30):
            group = file.create_group(f"g{i}")
            for j in range(30):
                group[f"l{j}"] = h5py.SoftLink(f"/g{j}")
        file["sinogram"] = sinogram()[0]
    assert np.array_equal(io.load(tmp_path / "a.h5").data[0], sinogram()[0])
    monkeypatch.setattr(h5_tree, "MOST", 500)
    with pytest.raises(InputError, match="too many"):
        io.load(tmp_path / "a.h5")


def by_pattern(path, files, dataset="part", maps=1):
    """A virtual array whose blocks of ten rows are in the files or arrays that a pattern stands for."""
    rows = h5py.h5s.UNLIMITED
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    space = h5py.h5s.create_simple((10, BINS), (rows, BINS))
    space.select_hyperslab((0, 0), (rows, 1), (10 * maps, BINS), (10, BINS))
    source = h5py.h5s.create_simple((10, BINS))
    plist.set_virtual(space, files.encode(), dataset.encode(), source)
    with h5py.File(path, "w", libver="latest") as file:
        h5py.h5d.create(file.id, b"sinogram", h5py.h5t.IEEE_F32LE, space, plist)
        file["theta"] = np.arange(40) * 4.5
    return path


@pytest.mark.parametrize("gone", [0, 1, 2])
def test_blocks_of_a_pattern(tmp_path, gone):
    values = np.random.default_rng(1).random((40, BINS), np.float32)
    for i in range(4):
        with h5py.File(tmp_path / f"f-{i}.h5", "w") as file:
            file["part"] = values[10 * i : 10 * i + 10]
    path = by_pattern(tmp_path / "a.h5", "f-%b.h5")
    assert np.array_equal(io.load(path).data[0], values)
    (tmp_path / f"f-{gone}.h5").unlink()
    with pytest.raises(InputError, match=f"is in 'f-{gone}.h5', which is missing"):
        io.load(path)


def test_blocks_of_a_pattern_within_a_file(tmp_path):
    path = by_pattern(tmp_path / "a.h5", ".", "raw/p%b")
    with h5py.File(path, "a") as file:
        for i in (0, 1, 3):
            file[f"raw/p{i}"] = np.ones((10, BINS), np.float32)
    with pytest.raises(InputError, match=r"'raw/p2'.*does not exist"):
        io.load(path, dataset="sinogram")


@pytest.mark.parametrize("short", [False, True])
def test_rows_that_no_source_gives_are_refused(tmp_path, short):
    """The last ten rows are mapped nowhere, or to rows that the source does not have: 10 x 32 of 20 x 32 values."""
    with h5py.File(tmp_path / "part0.h5", "w") as file:
        file.create_dataset("part", data=sinogram()[0][:10], maxshape=(None, BINS))
    layout = h5py.VirtualLayout((ANGLES, BINS), "f4")
    rows = ANGLES if short else 10
    layout[:rows] = h5py.VirtualSource("part0.h5", "part", (rows, BINS))
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_virtual_dataset("sinogram", layout, fillvalue=0)
        file["theta"] = angles()
    words = "holds 10 of the 20 frames mapped" if short else "none of which gives entries 10 to 19 of 20 along axis 0"
    with pytest.raises(InputError, match=words) as caught:
        io.load(tmp_path / "a.h5")
    assert "damaged" not in str(caught.value)


def test_inputs_behind_links(tmp_path):
    for name in ("own.h5", "part0.h5", "part1.h5"):
        with h5py.File(tmp_path / name, "w") as file:
            file["part"] = sinogram()[0][:10]
    master = virtual(tmp_path / "a.h5", ["part0.h5", "part1.h5"])
    with h5py.File(master, "a") as file:
        file["flats"] = h5py.ExternalLink("own.h5", "part")
    chain = linked(tmp_path / "b.h5", sinogram=h5py.ExternalLink("a.h5", "sinogram"))
    names = {path.name for path in io.inputs_of({"args": [1.0] * 2000 + [[f"x={chain}"]]})}
    assert names == {"b.h5", "a.h5", "part0.h5", "part1.h5"}
    (tmp_path / "sub").mkdir()
    above = linked(tmp_path / "sub" / "c.h5", sinogram=h5py.ExternalLink("../own.h5", "part"))
    assert {path.name for path in io.inputs_of({"path": str(above)})} == {"c.h5"}
    outside = {"path": str(above), "options": {"outside_links": True}}
    assert {path.name for path in io.inputs_of(outside)} == {"c.h5", "own.h5"}
