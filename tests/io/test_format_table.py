"""One table of formats: `load`, the dialog, dropped files and the manifest agree, and others can add to it."""

import dataclasses
import importlib.metadata

import numpy as np
import pytest
import yaml

import napari_mlpatch.io.formats as table
from napari_mlpatch import io
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.io.arrays import Slices
from napari_mlpatch.io.formats import FORMATS, Format, formats, starts, suffixes
from napari_mlpatch.io.options import LoadOptions, ProblemOptions, flag, names
from napari_mlpatch.paths import bundled

from .files import sinogram


def test_the_manifest_has_all_suffixes():
    manifest = yaml.safe_load(bundled("napari.yaml").read_text())
    (reader,) = manifest["contributions"]["readers"]
    volumes = {".zarr"}  # of stacks: what is not a measurement as well
    assert sorted(reader["filename_patterns"]) == sorted(f"*{suffix}" for suffix in {*suffixes(), *volumes})
    assert reader["accepts_directories"] == any(kind.folders for kind in FORMATS)


def test_dropped_files(tmp_path):
    from napari_mlpatch.gui.problem.readers import get_reader

    for suffix in suffixes():
        assert get_reader(f"/a/b{suffix.upper()}") is not None
    assert get_reader("/a/b.txt") is None and get_reader(["a.h5", "b.txt"]) is None


def test_dialog():
    from napari_mlpatch.gui.problem.measured_page import _files

    assert all(f"*{suffix}" in _files().replace(")", " ").split("(")[1].split() for suffix in suffixes())


def test_each_kind_is_declared_once():
    assert len({kind.name for kind in FORMATS}) == len(FORMATS)
    assert all(suffix == suffix.lower() and suffix.startswith(".") for suffix in suffixes())


def test_unknown_kinds_list_the_known(tmp_path):
    path = tmp_path / "a.xyz"
    path.write_text("no measurement at all")
    with pytest.raises(InputError) as caught:
        io.load(path)
    assert all(suffix in str(caught.value) for suffix in suffixes())


def test_a_missing_package_is_named(tmp_path, monkeypatch):
    path = tmp_path / "a.odd"
    path.write_bytes(b"ODD!")
    kind = Format("Odd", (".odd",), starts(b"ODD!"), "nowhere:load", needs=("no_such_module",), install="odd-reader")
    monkeypatch.setattr(table, "formats", lambda: (*FORMATS, kind))
    with pytest.raises(InputError, match=r"no_such_module.*not installed: pip install odd-reader") as caught:
        io.load(path)
    assert "damaged" not in str(caught.value)


def odd(path, options):
    return io.Measurement(Slices((1, 20, 32), lambda i: sinogram()[0]), path, notes=(f"dataset {options.dataset}",))


ODD = Format("Odd", (".odd",), starts(b"ODD!"), odd)


def test_other_packages_add_kinds(tmp_path, monkeypatch):
    entry = importlib.metadata.EntryPoint("odd", f"{__name__}:ODD", "napari_mlpatch.formats")
    broken = importlib.metadata.EntryPoint("broken", f"{__name__}:nothing", "napari_mlpatch.formats")
    wrong = importlib.metadata.EntryPoint("wrong", f"{__name__}:sinogram", "napari_mlpatch.formats")
    monkeypatch.setattr(table, "entry_points", lambda group: [entry, broken, wrong])
    formats.cache_clear()
    try:
        path = tmp_path / "a.odd"
        path.write_bytes(b"ODD!")
        found = io.load(path, dataset="x")
        assert found.notes == ("dataset x",) and ".odd" in suffixes()
        problem = found.problem(angles_deg="0:180:20")
        assert np.array_equal(problem.y[0, 0].numpy(), sinogram()[0])
        assert problem.source["options"] == {"dataset": "x", "angles_deg": "0:180:20"}
        assert set(table.BROKEN) == {"broken", "wrong"}
    finally:
        formats.cache_clear()
        table.BROKEN.clear()


def test_every_option_is_on_the_command_line():
    from napari_mlpatch.cli import reading

    class Parser:
        def __init__(self):
            self.flags = []

        def add_argument_group(self, _):
            return self

        def add_argument(self, flag, **how):
            self.flags.append((flag, how["dest"]))
            assert how["help"]

    reading.add_arguments(parser := Parser())  # type: ignore[arg-type]
    every = (*names(ProblemOptions), *names(LoadOptions))
    assert parser.flags == [(flag(name), name) for name in every] and len(set(every)) == len(every)


@pytest.mark.parametrize("options", [{"dataset": 5}, {"angle_axis": ["rows"]}, {"image_shape": 4}, {"rings": "x"}])
def test_wrong_types(tmp_path, options):
    np.save(tmp_path / "a.npy", sinogram()[0])
    with pytest.raises(InputError, match=next(iter(options))):
        io.read_measurement(tmp_path / "a.npy", angles_deg="0:180:20", **options)


def test_dropping_a_large_file_does_not_read_it(tmp_path, monkeypatch):
    """The window's thread must not wait for pixels, only for the middle slice."""
    from napari_mlpatch.gui.problem import readers

    monkeypatch.setattr(io, "read_image", lambda path: pytest.fail("read the whole file"))
    np.save(tmp_path / "a.npy", sinogram())
    (data, about, _), *_ = readers.read(str(tmp_path / "a.npy"))
    assert np.array_equal(data, sinogram()[1]) and about["metadata"]["mlpatch_source"]


def test_a_saved_picture_comes_back_with_its_recipe(tmp_path):
    from napari_mlpatch.gui.problem import readers

    for name in ("a.tif", "b.npy", "c.h5"):
        io.write_image(tmp_path / name, sinogram()[0], {"method": "tv"})
        assert io.read_recipe(tmp_path / name) == {"method": "tv"}
        (data, about, _), *_ = readers.read(str(tmp_path / name))
        assert np.array_equal(data, sinogram()[0])
        assert about["metadata"]["mlpatch"]["recipe"] == {"method": "tv"}


def test_formats_are_immutable():
    with pytest.raises(dataclasses.FrozenInstanceError):
        FORMATS[0].name = "other"  # type: ignore[misc]
