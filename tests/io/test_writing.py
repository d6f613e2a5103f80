"""Own files are replaced, with their mode and links; nobody else's are, nor inputs."""

import json
import os
import stat

import h5py
import numpy as np
import pytest
import tifffile
import torch

from napari_mlpatch import io
from napari_mlpatch.core.errors import InputError

from .pictures import KINDS, problem, unix


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
