"""What the engine says, in the window's words: no option, no tuple, no True or None of Python."""

from __future__ import annotations

import re

import numpy as np
import pytest

from napari_mlpatch import io
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.io.atomic import check_writable
from napari_mlpatch.workbench.said import said

PYTHON = re.compile(r"\b(True|False|None)\b|\b[a-z]+_[a-z]+\b|[\[(]\d+, |\b\w+='|\(--")


def test_swapped_axes_are_told_by_the_names_of_fields(tmp_path):
    """A disc off the middle: its sums over the bins do not change, those over the angles do."""
    angles, bins = np.deg2rad(np.arange(0, 180, 2.0)), np.arange(64) - 31.5
    y = np.sqrt(np.clip(100.0 - (bins - 12 * np.cos(angles[:, None])) ** 2, 0, None)).astype(np.float32)
    np.save(tmp_path / "turned.npy", y.T)
    (note,) = [n for n in io.load(tmp_path / "turned.npy").notes if "must run along" in n]
    assert PYTHON.search(note)
    assert said(note).endswith("are taken so. “angles along” = rows if they do not")
    np.save(tmp_path / "scan.npy", y)
    with pytest.raises(InputError) as error:
        io.load(tmp_path / "scan.npy").problem(angles_deg="0:180:64")
    assert said(str(error.value)).endswith("The number of columns would fit: try “angles along” = columns.")
    with pytest.raises(InputError) as error:
        io.load(tmp_path / "scan.npy").problem()
    assert "Give “angles”: a list, a text file" in said(str(error.value))


def test_counts_without_a_flat_field_and_shapes(tmp_path):
    x = np.linspace(-1.2, 1.2, 64)
    np.save(tmp_path / "counts.npy", np.tile(9000 * np.exp(-np.sqrt(np.clip(1 - x**2, 0, None))), (60, 1)))
    with pytest.raises(InputError) as error:
        io.load(tmp_path / "counts.npy").problem(angles_deg="0:180:60")
    told = said(str(error.value))
    assert "“logarithm” = not taken if they are line integrals" in told and "such as 9000" in told
    assert not PYTHON.search(told)
    assert said("sinogram from 'exchange/data', shape [96, 12, 144]") == (
        "sinogram from 'exchange/data', shape 96 x 12 x 144"
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("if they are detector counts, give flat", "if they are detector counts, give “flat field”"),
        ("outliers = 10 (--outliers) replaces such samples", "“outliers” = 10 replaces such samples"),
        ("Give angle_unit (--angle-unit), degrees or radians", "Give “unit of angles”, degrees or radians"),
        ("Use 'cpu' (--device cpu).", "Use “cpu”."),
        ("Make them smaller (--block).", "Make them smaller."),
        ("Give content (--content), shear.", "Give --content on the command line, shear."),
        (
            "say so with kspace_axes (--kspace-axes, such as coils,rows)",
            "say so with --kspace-axes on the command line, such as coils,rows",
        ),
        (
            "run the same recipe to go on with it, or add --force to begin anew (in Python: force=True).",
            "run the same recipe to go on with it, or tick “begin anew”.",
        ),
    ],
)
def test_options_without_a_field_are_those_of_the_command_line(text, told):
    assert said(text) == told


def test_what_is_there_already_is_not_forced(tmp_path):
    (tmp_path / "x.tif").write_bytes(b"by others")
    with pytest.raises(InputError) as error:
        check_writable(tmp_path / "x.tif", (".tif",), force=False, kind="picture")
    assert "--force" in str(error.value) and "force" not in said(str(error.value))


@pytest.mark.parametrize(
    "text",
    [
        "/data/pixel_size/x.h5 and 'angles_deg' of x.h5",
        "from 0 to 180 degrees (60 of them), log 3",
        "a=b, TV",
        "",
        "/a/my center=2 run.h5 is a directory",
        "/a/my center=2 run is a directory",
        "my center=2 run.h5 is a directory",
        "The file flat=1.tif is missing",
        "pixel_size.h5 cannot be read: it is empty",
        r"C:\scans\views = 3\log=1 b.nii.gz holds no numbers",
        "There is no array 'my flat = 5' in it, only `pixel_size` and \"angle_unit=1\".",
        "“views = 3” is called so",
    ],
)
def test_names_of_files_and_all_else_stay(text):
    assert said(text) == text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("/a/log=1 b.h5: views = 3 are all zero", "/a/log=1 b.h5: “views” = 3 are all zero"),
        ("/a/log=1, where views = 3 are zero", "/a/log=1, where “views” = 3 are zero"),
        ("/a/scans gives angle_axis='rows' (--angle-axis rows)", "/a/scans gives “angles along” = rows"),
        ("log=False was taken", "“logarithm” = not taken was taken"),
        ("Of flat=1.tif, shape [3, 4]: give flat", "Of flat=1.tif, shape 3 x 4: give “flat field”"),
        ("/a/b.tif is there already, or add --force to replace it (in Python: force=True).", None),
    ],
)
def test_beside_names_of_files_fields_are_told(text, told):
    assert said(text) == (told or "/a/b.tif is there already.")
