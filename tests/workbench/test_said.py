"""What the engine says, in the window's words: no option, no tuple, no True or None of Python."""

from __future__ import annotations

import re
import subprocess
import sys

import numpy as np
import pytest

from napari_mlpatch import io
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.phrases import OR_FORCE, OR_REPLACE, USE_CPU
from napari_mlpatch.io.angles import ASK, SAME
from napari_mlpatch.io.atomic import check_writable
from napari_mlpatch.io.build.outliers import REPLACING, describe_outliers
from napari_mlpatch.io.option_phrases import option
from napari_mlpatch.io.readers.kspace_axes import SWAP
from napari_mlpatch.io.readers.named import counts_note
from napari_mlpatch.methods import TV
from napari_mlpatch.stacks.place import BEGIN_ANEW
from napari_mlpatch.stacks.prepare import INCOMPLETE
from napari_mlpatch.stacks.work import SMALLER
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
    ("written", "text", "told"),
    [
        (ASK, "Give angle_unit (--angle-unit), degrees or radians", "Give “unit of angles”, degrees or radians"),
        (SAME, "Give the angles of the scan (--angles)", "Give the angles of the scan"),
        (USE_CPU, "Use 'cpu' (--device cpu)", "Use “cpu”"),
        (SMALLER, "smaller blocks (--block)", "smaller blocks"),
        (option("content"), "content (--content)", "--content on the command line"),
        (
            SWAP,
            ", say so with kspace_axes (--kspace-axes, such as coils,rows,columns)",
            ", say so with --kspace-axes on the command line, such as coils,rows,columns",
        ),
        (BEGIN_ANEW, "add --force to begin anew (in Python: force=True)", "tick “begin anew”"),
        (INCOMPLETE, "--incomplete (in Python: incomplete=True)", "tick “go on without the missing files”"),
    ],
)
def test_phrases_have_the_words_of_the_window(written, text, told):
    assert written == text, "for Python and the command line"
    assert said(f"Do so: {text}.") == f"Do so: {told}."


def test_counts_without_a_flat_field_in_a_note():
    assert said(counts_note(has_flat=False, is_integer=True)).endswith("are detector counts, give “flat field”")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("use the method 'tv', not 'tv' of a file", f"use the method “{TV.title}”, not 'tv' of a file"),
        ("The method 'of-others' failed", "The method 'of-others' failed"),
        ("of shape [3, 4], the truth [5, 6]. Keys are [1, 2].", "of shape 3 x 4, the truth 5 x 6. Keys are [1, 2]."),
        ("X has shape (7,), 'shape [1, 2]' has shape [7].", "X has shape 7, 'shape [1, 2]' has shape 7."),
    ],
)
def test_methods_have_their_titles_and_shapes_are_products(text, told):
    assert said(text) == told


def test_outliers_are_told_with_their_field(tmp_path):
    y = np.zeros((8, 9), np.float32)
    y[3, 4] = 5.0
    note = describe_outliers(y, y > 1, replaced=False)
    assert note.endswith("outliers = 10 (--outliers) replaces such samples")
    assert said(note).endswith("? “outliers” = 10 replaces such samples")


def test_notes_of_a_session_are_told_before_any_reader_is_loaded():
    """They come back as plain text, in a process that has not made them."""
    notes = [
        "are axes swapped? angle_axis chooses",
        "1 sample is far off: a zinger? outliers = 10 (--outliers) replaces such samples",
        "is zero frequency there? Then in_corner='frequency' (--in-corner frequency) moves it to the middle",
        "the rest being oversampled (image_shape 64x48 keeps all)",
        "if they are counts, give the flat field (flat, --flat)",
        "an image that holds the whole object (about 90 x 90 pixels, image_shape) and many iterations",
    ]
    code = (
        "import sys; from napari_mlpatch.workbench.said import said;"
        "from napari_mlpatch.core.registry import operators; operators.names();"
        "print(*map(said, sys.argv[1:]), sep='\\n');"
        "assert not any(name.startswith('napari_mlpatch.io.readers') for name in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", code, *notes], check=True, capture_output=True, text=True).stdout
    assert not re.search(r"--(?!in-corner frequency on the command line)|_", told) and len(told.splitlines()) == 6


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
        "scan.h5 holds 'fbp', 'tv' and 'direct': the values of 'tv' or 'direct' are complex",
        "/a/give flat/angle_unit run.h5 is a directory",
    ],
)
def test_names_of_files_and_all_else_stay(text):
    assert said(text) == text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            f"/a/log=1 b.h5: a dead pixel? {REPLACING} replaces such samples",
            "/a/log=1 b.h5: a dead pixel? “outliers” = 10 replaces such samples",
        ),
        (f"/a/scans gives {option('angle_axis', 'rows')}", "/a/scans gives “angles along” = rows"),
        (f"log=False.tif: {option('log', False)} was taken", "log=False.tif: “logarithm” = not taken was taken"),
        ("Of flat=1.tif, shape [3, 4]: give flat", "Of flat=1.tif, shape 3 x 4: give flat"),
        (f"/a/b.tif is there already{OR_REPLACE}.", "/a/b.tif is there already."),
        (f"/a/of 'tv', image [1, 2].h5 is there already{OR_FORCE}.", "/a/of 'tv', image [1, 2].h5 is there already."),
    ],
)
def test_beside_names_of_files_fields_are_told(text, told):
    assert said(text) == told
