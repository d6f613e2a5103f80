"""HDF5 as beamlines write it: NXtomo, Data Exchange variants, links, virtual datasets, filters."""

import sys
from collections.abc import Iterable
from typing import Any

import h5py
import numpy as np
import pytest

from napari_mlpatch import io
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.io.readers import h5_filters

from .files import ANGLES, BINS, SLICES, angles, sinogram

BEAM, DARK = 1000 * np.arange(1, SLICES + 1), 10 * np.arange(1, SLICES + 1)  # of each detector row another


def frames(dtype: Any = np.float64, drift: float = 0.2):
    """Counts [frames, slices, bins]: 2 darks, 2 flats, the projections, 2 flats, and their keys.

    The beam grows linearly with the number of the frame, from 0.9 to 1.1 between the two groups of flats,
    at frames 2.5 and 24.5; its mean is that of the flats.
    """
    ones = np.ones((SLICES, BINS))
    dark = DARK[:, None] * ones
    flat = dark + BEAM[:, None] * ones
    beam = 1 + drift * (np.linspace(-19, 19, ANGLES)[:, None, None] / 44)
    counts = dark + beam * BEAM[:, None] * np.exp(-sinogram().swapaxes(0, 1).astype(float))
    stack = np.concatenate([[dark] * 2, [0.9 * BEAM[:, None] + dark] * 2, counts, [1.1 * BEAM[:, None] + dark] * 2])
    assert np.allclose(stack[2:4].mean(0) / 2 + stack[-2:].mean(0) / 2, flat)
    return stack.astype(dtype), np.array([2] * 2 + [1] * 2 + [0] * ANGLES + [1] * 2)


def write_nxtomo(path, *, keys=None, dtype=np.float64, theta=None, units="degree", **layout):
    data, image_key = frames(dtype)
    entry = layout.get("entry", "entry")
    theta = np.concatenate([[0] * 4, angles(), [180] * 2]) if theta is None else theta
    with h5py.File(path, "a") as file:
        detector = file.create_group(f"{entry}/instrument/detector")
        detector["data"], detector["image_key"] = data, image_key if keys is None else keys
        file[f"{entry}/sample/rotation_angle"] = theta
        file[f"{entry}/sample/rotation_angle"].attrs["units"] = units
        file[f"{entry}/definition"] = "NXtomo"
        links = file.create_group(f"{entry}/data")
        links.attrs["NX_class"], links.attrs["signal"] = "NXdata", "data"
        for name in ("data", "image_key"):
            links[name] = h5py.SoftLink(f"/{entry}/instrument/detector/{name}")
        links["rotation_angle"] = h5py.SoftLink(f"/{entry}/sample/rotation_angle")
    return path


def check(measurement, slices: Iterable[int] = range(SLICES), atol=1e-5, **options):
    """It is the sinogram, with the angles."""
    assert measurement.missing == ()
    for i in slices:
        problem = measurement.problem(slice=i, **options)
        assert np.allclose(problem.y[0, 0].numpy(), sinogram()[i], atol=atol)
        assert np.allclose(problem.A.angles_deg, angles())


def test_nxtomo(tmp_path):
    measurement = io.load(write_nxtomo(tmp_path / "a.nxs"))
    assert any("20 projections, 4 flats, 2 darks" in note for note in measurement.notes)
    check(measurement)
    for name in ("entry/data/data", "/entry/instrument/detector/data"):
        check(io.load(tmp_path / "a.nxs", dataset=name), [1])


@pytest.mark.parametrize("how", ["float key", "radians", "invalid frames", "big-endian", "angles of projections only"])
def test_nxtomo_variants(tmp_path, how):
    _, keys = frames()
    options = {
        "float key": {"keys": keys + 0.0},
        "radians": {"units": "rad", "theta": np.deg2rad(np.concatenate([[0] * 4, angles(), [180] * 2]))},
        "invalid frames": {"keys": np.where(np.arange(len(keys)) == 0, 3, keys)},
        "big-endian": {"dtype": ">f4"},
        "angles of projections only": {"theta": angles()},
    }[how]
    measurement = io.load(write_nxtomo(tmp_path / "a.nxs", **options))
    check(measurement, [2], atol=1e-3)
    assert how != "invalid frames" or any("1 frames of other kinds left out" in note for note in measurement.notes)


def test_nxtomo_of_several_entries(tmp_path):
    write_nxtomo(tmp_path / "a.nxs", entry="first", theta=np.zeros(ANGLES + 6))
    write_nxtomo(tmp_path / "a.nxs", entry="second")
    check(io.load(tmp_path / "a.nxs", dataset="second/data/data"), [0])
    assert any("others: second/" in note for note in io.load(tmp_path / "a.nxs").notes)
    with h5py.File(tmp_path / "a.nxs", "a") as file:
        file.attrs["default"] = "second"
    check(io.load(tmp_path / "a.nxs"), [0])


def test_keys_that_do_not_fit(tmp_path):
    write_nxtomo(tmp_path / "a.nxs", keys=np.ones(ANGLES + 6, int))
    with pytest.raises(InputError, match=r"no frame is a projection \(0\); it has \[1\]"):
        io.load(tmp_path / "a.nxs")
    write_nxtomo(tmp_path / "b.nxs", keys=np.zeros(5, int))
    with pytest.raises(InputError, match=r"5 keys for 26 frames"):
        io.load(tmp_path / "b.nxs")
    data, keys = frames(np.uint16)
    with h5py.File(tmp_path / "c.nxs", "w") as file:  # counts without flats are asked for
        file["data"], file["image_key"], file["rotation_angle"] = data[keys != 1], keys[keys != 1], angles()
    assert io.load(tmp_path / "c.nxs").missing == ("flat",)


# ---- Data Exchange --------------------------------------------------------------------------------------------------


def write_exchange(path, *, order=("theta", "y", "x"), labels=True, white: Any = "row", dark: Any = "row"):
    """``white`` and ``dark``: "row" [y, x], "frames" [n, y, x], "one" [1, y, x], "empty" [0, y, x], None."""
    data, _ = frames(drift=0.0)
    counts = data[4:-2]
    fields = {"data_white": np.ones((SLICES, BINS)) * (BEAM + DARK)[:, None]}
    fields["data_dark"] = np.ones((SLICES, BINS)) * DARK[:, None]
    axes = ("theta", "y", "x")
    with h5py.File(path, "w") as file:
        group = file.create_group("exchange")
        group["data"] = counts.transpose([axes.index(name) for name in order])
        if labels:
            group["data"].attrs["axes"] = ":".join(order)
        for (name, field), how in zip(fields.items(), (white, dark), strict=True):
            if how is not None:
                group[name] = {"row": field, "one": field[None], "empty": field[None][:0]}.get(
                    how, np.stack([0.5 * field, 1.5 * field])
                )
        group["theta"] = angles()
    return path


@pytest.mark.parametrize("white", ["row", "one", "frames"])
@pytest.mark.parametrize("dark", ["row", "frames"])
def test_fields_of_each_detector_row(tmp_path, white, dark):
    check(io.load(write_exchange(tmp_path / "a.h5", white=white, dark=dark)))


def test_an_empty_dark_field(tmp_path):
    measurement = io.load(write_exchange(tmp_path / "a.h5", dark="empty"))
    assert any("'exchange/data_dark' is empty" in note for note in measurement.notes)
    y = measurement.problem(slice=1).y[0, 0].numpy()
    assert np.allclose(np.exp(-y), (20 + 2000 * np.exp(-sinogram()[1])) / 2020, atol=1e-5)


def test_no_white_field_is_told(tmp_path):
    measurement = io.load(write_exchange(tmp_path / "a.h5", white="empty"))
    assert any("'exchange/data_white' is empty" in note for note in measurement.notes)
    y = measurement.problem(slice=1, flat=2020, dark=20).y[0, 0].numpy()
    assert np.allclose(y, sinogram()[1], atol=1e-5)


@pytest.mark.parametrize("order", [("y", "theta", "x"), ("theta", "x", "y"), ("x", "y", "theta"), ("y", "x", "theta")])
def test_order_of_axes(tmp_path, order):
    """The file says how its axes are called."""
    measurement = io.load(write_exchange(tmp_path / "a.h5", order=order, white=None, dark=None))
    assert measurement.data.shape == (SLICES, ANGLES, BINS)
    y = measurement.problem(slice=1, flat=2020, dark=20).y[0, 0].numpy()
    assert np.allclose(y, sinogram()[1], atol=1e-5)


def test_sinogram_order_without_labels(tmp_path):
    check(io.load(write_exchange(tmp_path / "a.h5", order=("y", "theta", "x"), labels=False, white="row", dark="row")))


def test_dimension_scales_name_axes(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        data = file.create_dataset("volume", data=sinogram().transpose(2, 0, 1))
        for dimension, label in zip(data.dims, ("x", "y", "rotation_angle"), strict=True):
            dimension.label = label
    measurement = io.load(tmp_path / "a.h5")
    assert np.array_equal(measurement.data[1], sinogram()[1])


def test_flats_before_and_after(tmp_path):
    """A beam that rises evenly, from one step before the first angle to one after the last."""
    beam = np.interp(np.arange(ANGLES), [-1, ANGLES], [900.0, 1100.0])
    counts = beam[:, None, None] * np.exp(-sinogram().swapaxes(0, 1))
    arrays: dict[str, Any] = {
        "flat_before": np.full((2, SLICES, BINS), 900.0),
        "flat_after": np.full((1, SLICES, BINS), 1100.0),
    }
    np.savez(tmp_path / "a.npz", projections=counts, theta=angles(), **arrays)
    check(io.load(tmp_path / "a.npz"))
    after = arrays.pop("flat_after")
    np.savez(tmp_path / "b.npz", projections=counts, theta=angles(), white_pre=arrays["flat_before"], flat_after=after)
    check(io.load(tmp_path / "b.npz"))


def test_axes_of_length_one(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["data"], file["theta"] = sinogram()[None], angles()
    check(io.load(tmp_path / "a.h5"))
    np.save(tmp_path / "b.npy", sinogram()[1][None, :, :, None])
    assert np.array_equal(io.load(tmp_path / "b.npy").data[0], sinogram()[1])


# ---- filters --------------------------------------------------------------------------------------------------------


def write_filtered(path, code):
    """A dataset that says it is compressed by a filter; its bytes are not."""
    with h5py.File(path, "w") as file:
        properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        properties.set_chunk((ANGLES, BINS))
        properties.set_filter(code, h5py.h5z.FLAG_OPTIONAL, (0, 2))
        space = h5py.h5s.create_simple((ANGLES, BINS))
        data = h5py.h5d.create(file.id, b"sinogram", h5py.h5t.NATIVE_FLOAT, space, properties)
        data.write_direct_chunk((0, 0), bytes(100), 0)
        file["theta"] = angles()
    return path


@pytest.mark.parametrize("installed", [False, True])
def test_a_filter_that_is_not_there(tmp_path, monkeypatch, installed):
    real = h5py.h5z.filter_avail
    monkeypatch.setattr(h5_filters.h5py.h5z, "filter_avail", lambda code: code != 32008 and real(code))
    monkeypatch.setitem(sys.modules, "hdf5plugin", type(sys)("hdf5plugin") if installed else None)
    words = "does not have.*h5repack" if installed else "not installed: pip install hdf5plugin"
    with pytest.raises(InputError, match=rf"32008 \(bitshuffle\), which.*{words}") as caught:
        io.read_measurement(write_filtered(tmp_path / "a.h5", 32008))
    assert "The file is damaged" not in str(caught.value)


def test_bitshuffle(tmp_path):
    plugin = pytest.importorskip("hdf5plugin")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("sinogram", data=sinogram(), **plugin.Bitshuffle())
        file["theta"] = angles()
    check(io.load(tmp_path / "a.h5"))
    with pytest.raises(InputError, match=r"32008 \(bitshuffle\).*could not undo"):
        io.read_measurement(write_filtered(tmp_path / "b.h5", 32008))


def test_libraries_that_are_missing(tmp_path):
    from napari_mlpatch.io.guard import reading

    for error in (
        ValueError("<COMPRESSION.LZW: 5> requires the 'imagecodecs' package"),
        ModuleNotFoundError("No module named 'imagecodecs'", name="imagecodecs"),
    ):
        with pytest.raises(InputError, match=r"pip install imagecodecs") as caught, reading(tmp_path, "TIFF"):
            raise error
        assert "damaged" not in str(caught.value)
