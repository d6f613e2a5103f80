"""Image sources: fresh ellipses against a slow loop, shrunk files, measured pairs."""

import numpy as np
import pytest
import torch

import napari_mlpatch as mp
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.registry import sources
from napari_mlpatch.training import AdlerEllipses, Files, Pairs, Reconstruct
from napari_mlpatch.training.data import open_data
from napari_mlpatch.training.pictures import parts_of
from napari_mlpatch.training.sources.adler_ellipses import draw, ellipses, rasterised
from napari_mlpatch.training.sources.matching import mismatch

A = mp.operators.ParallelBeam(image_shape=(8, 10), angles_deg="0:180:5", detector_count=14)


def test_all_are_registered():
    assert set(sources.names()) >= {"files", "ellipses", "dead-leaves", "log-normal", "adler-ellipses", "pairs"}


# ---- ellipses drawn anew ------------------------------------------------------------------------------------------


def test_ellipses_are_those_of_a_slow_loop():
    value, axes, centres, angle = (part.double() for part in ellipses("lpd", 2, torch.Generator().manual_seed(0)))
    found = rasterised(value, axes, centres, angle, 33).numpy()
    y, x = np.meshgrid(np.linspace(-1, 1, 33), np.linspace(-1, 1, 33), indexing="ij")
    for k in range(2):
        wanted = np.zeros((33, 33))
        for v, (a, b), (cx, cy), t in zip(value[k], axes[k], centres[k], angle[k], strict=True):
            c, s = float(t.cos()), float(t.sin())
            u, w = c * (x - float(cx)) + s * (y - float(cy)), c * (y - float(cy)) - s * (x - float(cx))
            wanted += float(v) * ((u / float(a)) ** 2 + (w / float(b)) ** 2 <= 1)
        np.testing.assert_allclose(found[k, 0], wanted, atol=1e-9)


@pytest.mark.parametrize(
    ("generator", "number", "value", "spread"), [("lpd", 50, 0.0, 1 / 3**0.5), ("lgd", 100, 0.06, 1 / 12**0.5)]
)
def test_their_distribution(generator, number, value, spread):
    values, axes, centres, _ = ellipses(generator, 2000, torch.Generator().manual_seed(1))
    used = values != 0
    assert float(used.sum(1).float().mean()) == pytest.approx(number, rel=0.01)
    assert float(used.sum(1).float().std()) == pytest.approx(number**0.5, rel=0.1)
    assert float(values[used].mean()) == pytest.approx(value, abs=2e-3)
    assert float(axes.mean()) == pytest.approx(0.2, rel=0.01) and float(axes.std()) == pytest.approx(0.2, rel=0.02)
    assert float(centres.std()) == pytest.approx(spread, rel=0.01) and abs(float(centres.mean())) < 5e-3


def test_they_are_fresh_and_reproducible():
    fresh, held = open_data(AdlerEllipses(size=24, hold_out=3))
    assert (len(held), fresh.channels, held.image(0).shape) == (3, 1, (1, 1, 24, 24))
    first = fresh.crops(2, 24, torch.Generator().manual_seed(0))
    assert torch.equal(first, fresh.crops(2, (24, 24), torch.Generator().manual_seed(0)))
    assert not torch.equal(first, fresh.crops(2, 24, torch.Generator().manual_seed(1)))
    assert torch.equal(held.image(0), open_data(AdlerEllipses(size=24, hold_out=3))[1].image(0))
    assert fresh.crops(2, (5, 7), torch.Generator().manual_seed(0)).shape == (2, 1, 5, 7)
    assert fresh.neighbourhoods(2, 3, 2, torch.Generator().manual_seed(0)).shape == (6, 1, 5, 5)
    with pytest.raises(InputError, match="only 24 rows or columns, but 30 are read"):
        fresh.crops(1, 30, torch.Generator())


def test_many_at_once_are_the_same(monkeypatch):
    whole = draw("lgd", 3, 16, torch.Generator().manual_seed(0))
    monkeypatch.setattr("napari_mlpatch.training.sources.adler_ellipses.AT_ONCE", 1)
    torch.testing.assert_close(draw("lgd", 3, 16, torch.Generator().manual_seed(0)), whole)


def test_parts_are_windows_of_their_images():
    images = torch.arange(2 * 2 * 6 * 7.0).view(2, 2, 6, 7)
    found = parts_of(images, 40, (3, 4), torch.Generator().manual_seed(0))
    assert found.shape == (80, 2, 3, 4)
    windows = images.unfold(2, 3, 1).unfold(3, 4, 1)  # [2, C, 4, 4, 3, 4]
    for k, part in enumerate(found):
        own = windows[k // 40].movedim(0, 2).flatten(0, 1)
        assert bool((own == part).all((1, 2, 3)).any())
    assert len({float(part[0, 0, 0]) for part in found[:40]}) > 10


# ---- files ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_shrunk_files_are_means_over_blocks(tmp_path, dtype):
    top = {np.uint8: 255, np.uint16: 65535, np.float32: 1}[dtype]
    picture = (np.random.default_rng(0).random((11, 9)) * top).astype(dtype)
    np.save(tmp_path / "a.npy", picture)
    train, _ = open_data(Files(paths=("a.npy",), hold_out=0, shrink=3), tmp_path)
    wanted = [[picture[3 * i : 3 * i + 3, 3 * j : 3 * j + 3].mean() / top for j in range(3)] for i in range(3)]
    np.testing.assert_allclose(train.image(0)[0, 0], wanted, atol=1e-6)
    with pytest.raises(InputError, match=r"11 x 9 pixels, too few to shrink it 12 times"):
        open_data(Files(paths=("a.npy",), hold_out=0, shrink=12), tmp_path)


# ---- pairs ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def pairs(tmp_path):
    x = torch.rand(4, 1, 8, 10, generator=torch.Generator().manual_seed(0))
    y = A(x)
    for k in range(4):
        np.save(tmp_path / f"y{k}.npy", y[k, 0].numpy())
        np.save(tmp_path / f"x{k}.npy", x[k, 0].numpy())
        mp.io.write_measurement(tmp_path / f"m{k}.h5", mp.simulate(x[k, 0], A))
    return tmp_path, x, y


def names(letter, suffix="npy", count=4):
    return tuple(f"{letter}{k}.{suffix}" for k in range(count))


@pytest.mark.parametrize("kind", ["arrays", "files"])
def test_pairs(pairs, kind):
    folder, x, y = pairs
    source = (
        Pairs(measurements=names("y"), truths=names("x")) if kind == "arrays" else Pairs(measurements=names("m", "h5"))
    )
    found, held = open_data(source, folder)
    assert (len(found), len(held)) == (3, 1)
    torch.testing.assert_close(held.pair(0), (y[3:], x[3:]))
    task = Reconstruct(operator=A, normalise=False)
    measured, truth = task.batch(None, found, 20, torch.Generator().manual_seed(0))
    torch.testing.assert_close(A(truth) / A.norm, measured)
    assert len({float(item.sum()) for item in truth}) == 3
    other = mp.operators.ParallelBeam(image_shape=(8, 10), angles_deg="0:90:5", detector_count=14)
    found.check(A)
    if kind == "files":
        with pytest.raises(InputError, match="measured by another operator"):
            found.check(other)
    with pytest.raises(InputError, match=r"measurements of the pairs have the shape \[5, 14\].* has \[6, 14\]"):
        found.check(mp.operators.ParallelBeam(image_shape=(8, 10), angles_deg="0:180:6", detector_count=14))
    with pytest.raises(InputError, match=r"true pictures of the pairs have the shape \[8, 10\].* has \[10, 8\]"):
        found.check(mp.operators.ParallelBeam(image_shape=(10, 8), angles_deg="0:180:5", detector_count=14))


def test_pairs_that_do_not_match(pairs):
    folder, _, _ = pairs
    with pytest.raises(InputError, match="4 measurements and 3 true pictures"):
        open_data(Pairs(measurements=names("y"), truths=names("x", count=3)), folder)
    np.save(folder / "x2.npy", np.zeros((8, 9)))
    with pytest.raises(InputError, match=r"true picture of y2\.npy has the shape \[1, 8, 9\]"):
        open_data(Pairs(measurements=names("y"), truths=names("x")), folder)
    np.save(folder / "x2.npy", np.full((8, 10), np.nan))
    with pytest.raises(InputError, match=r"true picture in .*x2\.npy holds NaN"):
        open_data(Pairs(measurements=names("y"), truths=names("x")), folder)
    with pytest.raises(InputError, match=r"y0\.npy holds no true picture"):
        open_data(Pairs(measurements=names("y")), folder)
    with pytest.raises(InputError, match="There is no file or folder"):
        open_data(Pairs(measurements=("nowhere.h5",)), folder)


# ---- whether they belong together ----------------------------------------------------------------------------------

B = mp.operators.ParallelBeam(image_shape=(9, 9), angles_deg="0:180:7", detector_count=14)
SQUARES = torch.rand(3, 1, 9, 9, generator=torch.Generator().manual_seed(1))
NOISE = 0.1 * torch.randn(3, 1, 7, 14, generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize("scale", [1.0, -40.0])
def test_pictures_in_another_order_are_told(scale):
    y = scale * (B(SQUARES) + NOISE)
    assert mismatch(y, SQUARES, B) == ""
    told = mismatch(y, SQUARES[[0, 2, 1]], B)
    assert told.startswith("Measurement 2 of the pairs is one of true picture 3, not of its own") and "order" in told


@pytest.mark.parametrize(
    ("turn", "told"),
    [
        (lambda x: x.flip(-1), "mirrored left to right"),
        (lambda x: x.flip(-2), "mirrored top to bottom"),
        (lambda x: x.rot90(2, (-2, -1)), "turned by 180 degrees"),
        (lambda x: x.mT, "transposed"),
        (lambda x: x.rot90(-1, (-2, -1)), "turned by 90 degrees clockwise"),
        (lambda x: x.rot90(1, (-2, -1)), "turned by 90 degrees counter-clockwise"),
        (lambda x: x.mT.rot90(2, (-2, -1)), "mirrored about the other diagonal"),
    ],
)
def test_turned_pictures_are_told(turn, told):
    assert f"are those of the true pictures {told}:" in mismatch(B(turn(SQUARES)) + NOISE, SQUARES, B)


def test_what_else_differs_is_no_mismatch():
    alike = SQUARES[:1].repeat(3, 1, 1, 1)
    assert mismatch(B(alike), alike, B) == mismatch(B(alike) + NOISE, alike, B) == ""
    assert mismatch(100 * NOISE, SQUARES, B) == mismatch(NOISE, torch.zeros_like(SQUARES), B) == ""
    symmetric = SQUARES + SQUARES.flip(-1)
    assert mismatch(B(symmetric) + NOISE, (symmetric > 1.0).float(), B) == ""
    mri = mp.operators.MRICartesian(image_shape=(9, 9))
    assert mismatch(mri(SQUARES), SQUARES, mri) == ""
    assert "mirrored top to bottom" in mismatch(mri(SQUARES.flip(-2)), SQUARES, mri)


def test_a_training_refuses_pairs_in_another_order(pairs):
    folder, _, _ = pairs
    found, _ = open_data(Pairs(measurements=names("y"), truths=("x1.npy", "x0.npy", "x2.npy", "x3.npy")), folder)
    with pytest.raises(InputError, match="Measurement 1 of the pairs is one of true picture 2"):
        found.check(A)


# ---- the same on larger sets, and what must not be refused ----------------------------------------------------------

C = mp.operators.ParallelBeam(image_shape=(16, 16), angles_deg="0:180:15", detector_count=16)
MANY = torch.rand(100, 1, 16, 16, generator=torch.Generator().manual_seed(3))
ROWS, COLUMNS = torch.meshgrid(torch.arange(16) - 7.5, torch.arange(16) - 7.5, indexing="ij")


def grain(shape, seed):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def disc(radius):
    return (radius**2 > ROWS**2 + COLUMNS**2).float()


@pytest.fixture(scope="module")
def many():
    return C(MANY)


@pytest.fixture
def slices():
    """Of a sample, the first above it: a broad disc of another density each, with details."""
    inside = disc(7.5) * (1 + 0.2 * torch.arange(8.0)).view(8, 1, 1, 1)
    return inside * (1 - 0.3 * MANY[:8]) * (torch.arange(8) > 0).view(8, 1, 1, 1)


@pytest.mark.parametrize("seed", range(8))
def test_any_random_order_of_many_is_told(many, seed):
    order = torch.randperm(100, generator=torch.Generator().manual_seed(seed))
    y = many + 0.01 * grain(many.shape, seed)
    assert mismatch(y, MANY, C) == ""
    assert "Give measurements and true pictures in the same order" in mismatch(y, MANY[order], C)


@pytest.mark.parametrize("first", [0, 1])
def test_names_sorted_as_text_and_as_numbers_are_told(many, first):
    as_text = [k - first for k in sorted(range(first, first + 100), key=str)]
    assert "in the same order" in mismatch(many[as_text], MANY, C)


def test_a_shift_by_one_and_low_contrast_in_another_order_are_told(many):
    assert "so it is for 16 of 16 pictures looked at" in mismatch(many, MANY.roll(1, 0), C)
    bright = 1 + 0.005 * grain((8, 1, 16, 16), 0)
    blur = mp.operators.Blur(image_shape=(16, 16))
    assert mismatch(blur(bright), bright, blur) == ""
    assert mismatch(blur(bright), bright[[1, 0, *range(2, 8)]], blur).startswith("Measurement 1 of the pairs is one of")


def test_turned_ones_are_told_where_others_say_nothing(many):
    mirrored = "are those of the true pictures mirrored left to right"
    partly = torch.cat([MANY[:2], MANY[2:20].flip(-1)])
    assert mirrored in mismatch(many[:20], partly, C)
    assert mirrored in mismatch(many[:1], MANY[:1].flip(-1), C)
    assert mirrored in mismatch(many[:1].repeat(5, 1, 1, 1), MANY[:1].flip(-1).repeat(5, 1, 1, 1), C)
    for first, second in ((disc(6), disc(4)), (disc(0), disc(0))):
        x = MANY[:8].clone()
        x[0], x[1] = first, second
        assert mirrored in mismatch(C(x), x.flip(-1), C)


@pytest.mark.parametrize("offset", [0.0, 0.1, 1.0, 10.0, -1.0])
@pytest.mark.parametrize("background", ["constant", "broad", "another each"])
def test_an_empty_slice_with_an_offset_is_no_mismatch(slices, offset, background):
    y = C(slices)
    broad = torch.ones(16) if background == "constant" else y[4, 0, 0] / y[4].max()
    amount = torch.rand(8, 1, 1, 1, generator=torch.Generator().manual_seed(4)) if background == "another each" else 1.0
    assert mismatch(y + offset * amount * broad + 0.01 * grain(y.shape, 5), slices, C) == ""
    faint = slices.clone()
    faint[0, 0, 4:6, 9:11] = 0.005
    assert mismatch(C(faint) + offset * amount * broad + 0.01 * grain(y.shape, 5), faint, C) == ""


@pytest.mark.parametrize("seed", range(2))
def test_rightful_pairs_pass(slices, seed):
    y = C(slices)
    level = float(y.mean())
    exposure = 0.3 + torch.rand(8, 1, 1, 1, generator=torch.Generator().manual_seed(seed))
    for noise in (0.0, 0.1, 1.0, 10.0):
        assert mismatch(exposure * y + noise * level * grain(y.shape, seed), slices, C) == ""
    assert mismatch(y + 0.02 * level * grain(y.shape, seed), (slices > slices.mean()).float(), C) == ""
    assert mismatch(torch.log1p(y), slices, C) == mismatch(y.clamp(max=2 * level), slices, C) == ""
    round_ones = torch.stack([disc(2 + 0.6 * k) for k in range(8)])[:, None]
    assert mismatch(exposure * C(round_ones) + 0.05 * grain(y.shape, seed), round_ones, C) == ""
    blurred = (blur := mp.operators.Blur(image_shape=(16, 16)))(round_ones)
    for bent in (torch.log1p(2 * blurred), blurred**2, blurred.clamp(max=0.6)):
        assert mismatch(bent, round_ones, blur) == ""


def test_no_more_is_measured_than_said(many):
    class Counted:
        calls = 0

        def __call__(self, x):
            self.calls += len(x)
            return C(x)

    counted = Counted()
    assert mismatch(many, MANY, counted) == "" and counted.calls == 17
    counted = Counted()
    assert mismatch(grain(many.shape, 1), MANY, counted) == "" and counted.calls == 17 + 2 * 7
