"""The published rows, for one noise seed and therefore with wider tolerances, and what they are made of."""

import math

import numpy as np
import pytest
import torch
from PIL import Image

import napari_mlpatch as mp
from napari_mlpatch import reproduce
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.paths import bundled
from napari_mlpatch.reproduce import denoising, equilibrium, plug_and_play, shepp_logan
from napari_mlpatch.reproduce.figure import Figure, Given
from napari_mlpatch.reproduce.images import middle, spread


@pytest.mark.parametrize(
    ("row", "tolerance"),
    [
        ("fbp", 0.25),
        pytest.param("tv", 0.6, marks=pytest.mark.slow),
        pytest.param("tv-anisotropic", 1.2, marks=pytest.mark.slow),
    ],
)
def test_published_rows(row, tolerance):
    found = reproduce.run(row, seeds=1)
    assert found["ours"] == pytest.approx(found["published"], abs=tolerance)
    assert found["also"]["converged"] == 1.0
    assert found["passed"] == (abs(found["ours"] - found["published"]) <= found["tolerance"])


def test_shape_of_the_answer():
    found = reproduce.run("fbp", seeds=2)
    assert found["row"] == "fbp"
    assert found["seeds"] == len(found["values"]) == 2
    assert found["ours"] == pytest.approx(np.mean(found["values"]))
    assert found["std"] == pytest.approx(np.std(found["values"], ddof=1))
    assert found["values"][0] != found["values"][1]
    assert math.isnan(reproduce.run("fbp", seeds=1)["std"])


def test_an_unknown_row_names_the_known_ones():
    with pytest.raises(InputError, match="tv-anisotropic"):
        reproduce.run("fpb")
    with pytest.raises(InputError, match="At least one"):
        reproduce.run("fbp", seeds=0)


def test_the_problem_is_the_published_one():
    A, problem = shepp_logan.geometry(), shepp_logan.problem(0)
    assert A.image_shape == (128, 128)
    assert len(A.angles_deg) == 30
    assert (A.angles_deg[0], A.angles_deg[-1]) == (3.0, 177.0)
    assert A.detector_count * A.detector_pitch == pytest.approx(181.02)
    assert A.norm**2 == pytest.approx(3748.5, rel=1e-3)  # as ASTRA's "linear" matrix has it
    assert set(torch.unique((problem.truth * 10).round()).tolist()) <= {0.0, 1.0, 2.0, 3.0, 4.0, 10.0}
    assert problem.noise_std == pytest.approx(0.05 * float(A(problem.truth).abs().mean()))


def test_the_weights_in_the_docstring_are_those_used():
    """‖·‖² in the weighted norm, divided by 2c: written out once more with the factor 9.65 = 1 / c."""
    assert shepp_logan.converted_weight(0.26) == pytest.approx(0.26 * 9.6537 / 2, rel=1e-4)
    for published in (0.26, 0.3):
        assert f"{shepp_logan.converted_weight(published):.4f} for" in shepp_logan.__doc__.replace("\n", " ")


def interpolated(shape, angle, bins, pitch=1.0, pixel=1.0):
    return shepp_logan.Interpolating(
        image_shape=shape, angles_deg=(angle,), detector_count=bins, detector_pitch=pitch, pixel_size=pixel
    )


def test_interpolating_sums_rows_and_columns():
    x = torch.rand(1, 1, 5, 7, dtype=torch.float64)
    assert torch.allclose(interpolated((5, 7), 0.0, 7)(x)[0, 0, 0], x[0, 0].sum(0))
    assert torch.allclose(interpolated((5, 7), 90.0, 5)(x)[0, 0, 0].flip(0), x[0, 0].sum(1))
    assert torch.allclose(interpolated((5, 7), 0.0, 7, 0.5, 0.5)(x)[0, 0, 0], 0.5 * x[0, 0].sum(0))


def test_interpolating_along_a_diagonal():
    x = torch.rand(1, 1, 4, 4, dtype=torch.float64)
    ray = float(interpolated((4, 4), 45.0, 1)(x))
    assert ray == pytest.approx(math.sqrt(2) * float(x[0, 0].trace()))


@pytest.mark.parametrize("angle", [0.0, 17.0, 44.0, 46.0, 100.0, 170.0])
def test_interpolating_has_an_exact_adjoint_and_keeps_the_mass(angle):
    A = interpolated((9, 12), angle, 31)
    x, y = torch.rand(2, 3, 9, 12, dtype=torch.float64), torch.rand(2, 3, 1, 31, dtype=torch.float64)
    assert float((A(x) * y).sum()) == pytest.approx(float((x * A.T(y)).sum()), rel=1e-12)
    assert torch.allclose(A(x).sum((-1, -2)), x.sum((-1, -2)), rtol=0.1)  # a ray integral, sampled at the bins
    assert torch.allclose(A.normal(x), A.T(A(x)))


def test_at_least_is_one_sided():
    one, two = (Figure("", "", 1.0, 0.2, lambda seed, given: {}, at_least=above) for above in (False, True))
    assert [one.passed(v) for v in (0.7, 0.9, 1.1, 5.0)] == [False, True, True, False]
    assert [two.passed(v) for v in (0.7, 0.9, 1.1, 5.0)] == [False, True, True, True]


def test_what_is_told_before_each_piece_of_work():
    told = []
    given = Given(tell=told.append)
    for item in given.each("abc", "letters"):
        told.append(item)
    assert told[::2] == ["letters: 1 of 3", told[2], told[4]] and told[1::2] == ["a", "b", "c"]
    assert told[2].startswith("letters: 2 of 3, ") and told[4].endswith(" s each")
    assert list(given.each([], "none")) == []


@pytest.mark.parametrize(
    ("row", "options", "words"),
    [
        ("one", {}, "A row: about 10 min on one core, more where it is busy. Less with fewer --seeds or --slices."),
        ("one", {"seeds": 1}, "about 5 min on one core, more where it is busy. Less with fewer --slices."),
        ("one", {"seeds": 1, "slices": 2}, "about 60 s on one core, more where it is busy."),
        ("one", {"seeds": 1, "slices": 99}, "about 5 min"),
        ("other", {}, "A row: about 10 min on one core, more where it is busy. Less with fewer --seeds."),
    ],
)
def test_how_long_it_takes_is_told_first(monkeypatch, row, options, words):
    def measure(seed, given):
        given.tell("measuring")
        return {"psnr": 1.0}

    one = Figure("A row", "", 1.0, 0.2, measure, seeds=2, images=10, seconds=30.0)
    other = Figure("A row", "", 1.0, 0.2, measure, seeds=20, seconds=30.0)
    monkeypatch.setattr(reproduce, "FIGURES", {"one": one, "other": other})
    told = []
    assert reproduce.run(row, **options, tell=told.append)["ours"] == 1.0
    assert words in told[0] and told[-1] == "measuring"


def test_without_a_folder_the_photographs_of_the_program_are_counted():
    row = reproduce.FIGURES["equilibrium"]
    assert row.samples == len(equilibrium.images(None))
    assert [row.count(given) for given in (True, False)] == [12, 2]
    assert [row.count(False, most) for most in (1, 5)] == [1, 2]
    told = reproduce._expected(row, 1, row.count(False))
    assert "about 60 s on one core, more where it is busy." in told and "Less" not in told
    assert "about 6 min" in reproduce._expected(row, 1, row.count(True))


def test_a_row_that_needs_images_says_which(tmp_path):
    with pytest.raises(InputError, match=r"--data FOLDER.*set12"):
        reproduce.run("mlpatch-set12")
    with pytest.raises(InputError, match="is no folder"):
        reproduce.run("mlpatch-set12", data=tmp_path / "nowhere")


def test_denoising_row_on_a_folder(tmp_path, monkeypatch):
    shipped = denoising.trained_on("gray")
    assert {"dncnn-gray-small", "unet-gray-small", "drunet-gray-small", "ircnn-gray-small"} <= set(shipped)
    two = ["mlpatch-gray-small", "mlpatch-gray"]  # each takes a process of its own for the memory
    monkeypatch.setattr(denoising, "trained_on", lambda kind: two)
    folder = tmp_path / "natural_gray" / "set12"
    folder.mkdir(parents=True)
    image = (255 * mp.io.samples.image("camera", size=48)).astype(np.uint8)
    Image.fromarray(image).save(folder / "01.png")
    Image.fromarray(image[:40]).save(folder / "02.png")
    told = []
    found = reproduce.run("mlpatch-set12", seeds=1, data=tmp_path, slices=1, tell=told.append)
    assert "mlpatch-gray, noise 0.15: 1 of 1" in told
    noisy = found["also"]["noisy 25/255"]
    assert noisy == pytest.approx(-20 * math.log10(25 / 255), abs=0.3)
    assert found["also"]["mlpatch-gray-small 25/255"] > noisy + 3
    assert found["ours"] == found["also"]["mlpatch-gray 25/255"] > noisy + 3
    assert found["also"]["tv 25/255"] > noisy + 3
    assert found["also"]["mlpatch-gray-small parameters"] == pytest.approx(155, abs=10)
    assert 1 < found["also"]["mlpatch-gray-small memory"] < 200  # MiB; image and result are 2


def test_own_weights_do_not_enter_the_rows(tmp_path, monkeypatch):
    card = mp.weights.find("mlpatch-gray-small")
    shipped = denoising.trained_on("gray")
    folder = bundled("resources") / "weights"
    for kind in ("json", "safetensors"):
        text = (folder / f"mlpatch-gray-small.{kind}").read_bytes()
        text = text.replace(b'"mlpatch-gray-small"', b'"mlpatch-gray-own"')
        (tmp_path / f"mlpatch-gray-own.{kind}").write_bytes(text)
    monkeypatch.setenv("MLPATCH_WEIGHTS", str(tmp_path))
    assert "mlpatch-gray-own" in [card.name for card in mp.weights.available()]
    assert denoising.trained_on("gray") == shipped and card.card.name in shipped


def test_images_evenly_from_a_set():
    assert [int(x) for x in spread([torch.tensor(k) for k in range(19)], 4)] == [0, 4, 8, 12]
    assert [int(x) for x in spread([torch.tensor(k) for k in range(3)], 4)] == [0, 1, 2]


def test_middle():
    x = torch.arange(36).reshape(1, 1, 6, 6)
    assert middle(x, 2).flatten().tolist() == [14, 15, 20, 21]


def test_comparison_with_total_variation():
    x = torch.from_numpy(mp.io.samples.image("camera", size=32))[None, None]
    found = plug_and_play.compare([plug_and_play.inpainting(x, 0)], "mlpatch-gray-small", 0.5)
    assert found["gain"] == pytest.approx(found["mlpatch"] - found["tv"]) and found["tv"] > 15
    assert found["denoiser seconds"] > 0 and found["data seconds"] >= 0


def test_out_of_distribution(tmp_path, monkeypatch):
    monkeypatch.setattr(denoising, "WIDTH", 40)
    for name in ("natural_gray/set12", "ct_body", "ct_head"):
        (tmp_path / name).mkdir(parents=True)
    image = mp.io.samples.image("camera", size=48)
    Image.fromarray((255 * image).astype(np.uint8)).save(tmp_path / "natural_gray" / "set12" / "01.png")
    np.savez(tmp_path / "ct_body" / "tcga_test.npz", hu=(2000 * image[None] - 1000).astype(np.int16))
    np.savez(tmp_path / "ct_head" / "stanford_head_test.npz", raw=(2000 * image[None] + 24).astype(np.uint16))
    found = reproduce.run("mlpatch-ood", seeds=1, data=tmp_path)
    also = found["also"]
    assert also["mlpatch-ct-small loss on heads"] == pytest.approx(
        0, abs=0.02
    )  # they are the same picture here, rounded otherwise
    twins = also["mlpatch-gray-small photographs"], also["mlpatch-ct-small photographs"]
    assert also["mlpatch-ct-small drop"] == pytest.approx(twins[0] - twins[1])
    best = denoising.best_mlpatch("ct")
    assert found["ours"] == also[f"{best} drop"]
    margin = reproduce.run("mlpatch-ood-unet", data=tmp_path)
    loss = margin["also"]["unet-ct-plain drop"]
    assert loss == pytest.approx(also["unet-gray-small photographs"] - also["unet-ct-plain photographs"])
    assert margin["ours"] == pytest.approx(loss - also["mlpatch-ct-small drop"]) and margin["seeds"] == 1
