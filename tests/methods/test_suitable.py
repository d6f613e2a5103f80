"""Which weights a method is offered first, and which a comparison of methods runs."""

import numpy as np
import pytest
import torch

import napari_mlpatch as mp
from napari_mlpatch import weights
from napari_mlpatch.core.array import Array
from napari_mlpatch.core.recipe import Description, describe
from napari_mlpatch.methods.suitable import best_of_each, modalities, ranked


def card(name, architecture, method="unrolled", operator=None, psnr=30.0, data="pictures", **params):
    return weights.Card(
        name=name,
        title=name,
        method=method,
        architecture=Description(name=architecture, params=params),
        operator=None if operator is None else Description(**describe(operator)),
        data=data,
        steps=1,
        seed=0,
        metrics={"psnr": psnr},
        licence="none",
        sha256="0" * 64,
    )


def scan(angles=12, size=16):
    return mp.operators.ParallelBeam((size, size), f"0:180:{angles}", 24)


def problem(A):
    return mp.Problem(A, torch.ones(1, 1, *A.range_shape))


def names(candidates):
    return [one.card.name for one in candidates]


@pytest.fixture
def cards():
    return [
        card("blur", "lpd", operator=mp.operators.Blur((16, 16)), psnr=50.0),
        card("other-size-and-angles", "lpd", operator=scan(9, 20), psnr=60.0),
        card("other-angles", "lpd", operator=scan(9), psnr=40.0),
        card("poor", "lpd", operator=scan(), psnr=20.0),
        card("good", "lpd", operator=scan(), psnr=33.0),
        card("another", "lgd", operator=scan(), psnr=25.0),
    ]


def test_what_was_made_for_this_comes_first_the_better_before_the_worse(cards):
    found = ranked(mp.methods.Unrolled(), problem(scan()), cards)
    assert names(found) == ["good", "another", "poor", "other-angles", "other-size-and-angles", "blur"]
    assert [bool(one.fit.remark) for one in found] == [False] * 3 + [True] * 2 + [False]
    assert [bool(one.fit.refusal) for one in found] == [False] * 5 + [True]


def test_of_what_is_refused_that_of_the_method_comes_first(cards):
    cards = [card("denoiser", "mlpatch", "denoiser"), card("direct", "fbpconvnet", "unet", scan()), *cards]
    found = ranked(mp.methods.Unrolled(), problem(mp.operators.MRICartesian((16, 16))), cards)
    assert names(found)[-2:] == ["direct", "denoiser"] and all(one.fit.refusal for one in found)
    [first, *_] = ranked(mp.methods.PnPPGM(), problem(mp.operators.MRICartesian((16, 16))), cards)
    assert first.card.name == "denoiser"


def test_a_kernel_that_differs_by_rounding_is_the_same():
    kernel = np.outer([1.0, 2.0, 1.0], [1.0, 3.0, 1.0])

    def remark(other):
        blurs = [mp.operators.Blur((16, 16), kernel="custom", kernel_values=Array(k)) for k in (kernel, other)]
        [found] = ranked(mp.methods.Unrolled(), problem(blurs[1]), [card("own", "lpd", operator=blurs[0])])
        return found.fit.remark

    assert remark(kernel * (1 + 1e-9)) == "" and "kernel values" in remark(kernel.T)
    assert "kernel values" in remark(kernel[1:])


def test_a_comparison_runs_the_best_of_each_architecture(cards):
    found = ranked(mp.methods.Unrolled(), problem(scan()), cards)
    assert [c.name for c in best_of_each(found)] == ["good", "another"]
    assert [c.name for c in best_of_each(found, "poor")] == ["poor", "another"]
    assert [c.name for c in best_of_each(found, "other-angles")] == ["other-angles", "another"]
    assert [c.name for c in best_of_each(found, "blur")] == ["good", "another"], "what is refused is not run"
    strange = ranked(mp.methods.Unrolled(), problem(scan(10)), cards)
    assert [c.name for c in best_of_each(strange)] == ["other-angles"], "of what only nearly fits, the first"
    assert best_of_each(ranked(mp.methods.Unrolled(), problem(scan()), cards[:1])) == []


def test_denoisers_of_the_modality_come_first():
    cards = [
        card("photographs", "mlpatch", "denoiser", data="400 grey photographs"),
        card("scans", "mlpatch", "denoiser", data="91 CT slices"),
        card("heads", "dncnn", "denoiser", data="MRI of heads"),
    ]
    method = mp.methods.PnPPGM()
    blur, mri = mp.operators.Blur((16, 16)), mp.operators.MRICartesian((16, 16))
    for A, first in ((scan(), "scans"), (2.0 * scan(), "scans"), (blur, "photographs"), (mri, "heads")):
        found = ranked(method, problem(A), cards)
        assert names(found)[0] == first
        assert [c.name for c in best_of_each(found)] == [first]
    assert modalities(blur) == set() and modalities(scan() @ mp.operators.Identity((16, 16))) == {"CT"}


def test_what_was_blurred_tells_which_denoiser():
    cards = [
        card("photographs", "mlpatch", "denoiser", data="400 grey photographs"),
        card("scans", "mlpatch", "denoiser", data="91 CT slices"),
    ]
    image, blur = mp.io.samples.load("body-slice", size=32), mp.operators.Blur((32, 32))
    method, words = mp.methods.PnPPGM(), mp.io.samples.words
    for source, first in (
        ({"kind": "sample", "name": "body-slice"}, "scans"),
        ({"kind": "sample", "name": "camera"}, "photographs"),
        ({"kind": "file", "path": "/scans/patient_7_CT.tif"}, "scans"),
        (None, "photographs"),
    ):
        made = mp.simulate(image, blur, source=source)
        assert names(ranked(method, made, cards, words(made.source)))[0] == first
    scanned = mp.simulate(image, mp.operators.MRICartesian((32, 32)), source={"kind": "sample", "name": "body-slice"})
    assert names(ranked(method, scanned, cards, words(scanned.source)))[0] == "photographs", "the operator knows better"


@pytest.mark.parametrize(
    ("sample", "method", "first"),
    [
        ("body-ct-60", "unet", "unet-ct-body"),
        ("body-ct-60", "pnp-admm", "mlpatch-ct-small"),
        ("shepp-logan-30", "unet", "unet-adler"),
        ("shepp-logan-30", "unrolled", "lpd-adler"),
        ("deblurring", "equilibrium", "deq-prox-deblur"),
        ("deblurring", "unrolled", "unrolled-prox-deblur"),
    ],
)
def test_shipped_weights_for_the_simulated_samples(sample, method, first):
    from napari_mlpatch.core.registry import methods

    found = ranked(methods.get(method)(), mp.io.samples.problem(sample), weights.available())[0]
    assert (found.card.name, found.fit.remark) == (first, "")
