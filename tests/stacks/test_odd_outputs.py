"""Outputs by links, with long and odd names, in folders that are there already."""

import os

import numpy as np
import pytest

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.stacks.opened import open_volume
from napari_mlpatch.stacks.run_stack import run_stack

from .conftest import recipe_of
from .test_run_stack import ran, read


@pytest.mark.parametrize("name", ["volume.zarr", "volume.h5", "volume.tif", "volume"])
def test_a_link_leads_where_nothing_is_yet(name, exchange, tmp_path):
    target, out = tmp_path / "elsewhere" / name, tmp_path / name
    target.parent.mkdir()
    out.symlink_to(target)
    ran(recipe_of(exchange), exchange, out)
    ran(recipe_of(exchange), exchange, tmp_path / "plain.h5")
    assert out.is_symlink() and target.exists()
    np.testing.assert_array_equal(read(out), read(tmp_path / "plain.h5"))
    ran(recipe_of(exchange, slices=(0, 3)), exchange, out, force=True)
    assert out.is_symlink() and len(read(target)) == 3


@pytest.mark.parametrize("name", ["volume.zarr", "volume.h5", "volume"])
def test_a_link_into_no_folder_is_told(name, exchange, tmp_path):
    (tmp_path / name).symlink_to(tmp_path / "none" / name)
    with pytest.raises(InputError, match=rf"is a link to .*none.*{name}, whose folder does not exist. Create it first"):
        list(run_stack(recipe_of(exchange), exchange, tmp_path / name))


def test_a_name_without_room_for_that_of_the_markers_is_told(exchange, tmp_path):
    with pytest.raises(InputError, match="more than 248 bytes"):
        list(run_stack(recipe_of(exchange), exchange, tmp_path / f"{'a' * 244}.zarr"))
    ran(recipe_of(exchange, slices=(0, 2)), exchange, tmp_path / f"{'a' * 243}.zarr")


@pytest.mark.parametrize("name", ["volume.zarr", "volume.h5", "volume.tif", "volume"])
def test_a_finished_volume_is_not_written_again(name, exchange, tmp_path):
    out = tmp_path / name
    ran(recipe_of(exchange), exchange, out)
    files = [out, *out.rglob("*")] if out.is_dir() else [out]
    for file in files:
        file.chmod(0o555)
        os.utime(file, ns=(1, 1))
    ran(recipe_of(exchange), exchange, out)
    assert {file.stat().st_mtime_ns for file in files} == {1}


@pytest.mark.parametrize("name", ["ö 漢字 a.zarr", "a\nb.h5", "a[1]*b?", "v.1.2.tif", ".zarr", "V.ZARR"])
def test_odd_names(name, exchange, tmp_path):
    ran(recipe_of(exchange, slices=(0, 3)), exchange, tmp_path / name)
    ran(recipe_of(exchange, slices=(2, 4)), exchange, tmp_path / name, force=True)
    assert open_volume(tmp_path / name).shape[0] == 2
