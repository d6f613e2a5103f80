"""Which trained weights fit a method and its data: refusals with their reason, remarks."""

import numpy as np
import pytest
import torch

import napari_mlpatch as mp
from napari_mlpatch import networks, weights
from napari_mlpatch.core.fit import fit
from napari_mlpatch.core.phrases import in_window
from napari_mlpatch.core.recipe import Description, describe
from napari_mlpatch.core.registry import methods

from .tiny import unet, weights_of

M, O = mp.methods, mp.operators
GRAY = "mlpatch-gray-small"


def scan(**change):
    return O.ParallelBeam(**({"image_shape": (16, 16), "angles_deg": "0:180:30", "detector_count": 24} | change))


def denoiser(**about):
    torch.manual_seed(0)
    return weights_of(networks.build("dncnn", {"depth": 3, "width": 2, "noise_input": True}), **about)


def problem_of(A, noise=None, channels=1):
    return mp.Problem(A, A(torch.rand(1, channels, *A.domain_shape)), noise=noise)


@pytest.mark.parametrize("name", ["tv", "fbp", "tikhonov"])
def test_methods_without_a_learned_part_refuse_weights(name):
    method = methods.get(name)()
    assert not method.needs_network and fit(method, None, problem_of(scan())).refusal == ""
    assert "has no use for the weights 'tiny'" in fit(method, denoiser(), problem_of(scan())).refusal
    with pytest.raises(mp.InputError, match="no learned part"):
        mp.reconstruct(problem_of(scan()), method, denoiser())


def test_a_window_sends_nobody_to_the_command_line_for_weights():
    learned = [cls() for cls in methods if cls().needs_network]
    for told in (fit(method, None, problem_of(scan())).refusal for method in learned):
        assert "weights" in in_window(told) and "`mlpatch" in told and "`mlpatch" not in in_window(told)


@pytest.mark.parametrize("method", [M.Direct(), M.PnPADMM(), M.PnPHQS(), M.PnPPGM()])
def test_methods_with_a_denoiser(method):
    problem = problem_of(scan())
    assert method.needs_network
    assert "needs trained weights of a denoiser" in fit(method, None, problem).refusal
    assert fit(method, denoiser(), problem).refusal == fit(method, denoiser(), problem).remark == ""
    assert "are for the method 'unet'" in fit(method, unet(scan()), problem).refusal
    assert "1 channel, these data make pictures with 3" in fit(method, denoiser(), problem_of(scan(), None, 3)).refusal
    other = type(method)(denoiser="tv")
    assert not other.needs_network and fit(other, None, problem).refusal == ""
    assert "are not used" in fit(other, denoiser(), problem).remark


def test_noise_levels_beyond_those_of_the_training():
    levels = Description(name="gaussian", params={"sigma": [0.0, 0.1]})
    for method, asked in ((M.PnPADMM(), "0.2"), (M.Direct(sigma=0.5), "0.5")):
        remark = fit(method, denoiser(noise=levels), problem_of(scan())).remark
        assert "trained for noise from 0 to 0.1" in remark and f"{asked} is asked for" in remark
    for method in (M.PnPADMM(sigma_start=0.1), M.Direct()):
        assert fit(method, denoiser(noise=levels), problem_of(scan())).remark == ""


def test_reconstructors_are_refused():
    A = scan()
    problem, trained = problem_of(A), unet(A)
    assert fit(M.UNet(), trained, problem).refusal == ""
    assert "needs trained weights of its own kind" in fit(M.UNet(), None, problem).refusal
    assert "are a denoiser, not for the method 'unet'" in fit(M.UNet(), denoiser(), problem).refusal
    assert "are for the method 'unet', not for the method 'unrolled'" in fit(M.Unrolled(), trained, problem).refusal
    assert "operator 'parallel-beam', not for 'blur'" in fit(M.UNet(), trained, problem_of(O.Blur((16, 16)))).refusal
    assert "1 channel, these data make pictures with 2" in fit(M.UNet(), trained, problem_of(A, None, 2)).refusal
    bare = weights_of(networks.build("fbpconvnet", {"width": 1, "depth": 1}))
    assert "does not say for which operator" in fit(M.UNet(), bare, problem).refusal
    for made in (Description(name="resnet"), Description(name="fbpconvnet", params={"width": 0})):
        strange = weights.Weights({}, trained.card.model_copy(update={"architecture": made}))
        assert "cannot be used" in fit(M.UNet(), strange, problem).refusal


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"angles_deg": "0:180:45"}, "for 30 angles, this has 45"),
        ({"angles_deg": "0:90:30"}, "for other angles (0 to 174 instead of 0 to 87)"),
        ({"image_shape": (20, 16)}, "for pictures of 16 x 16, these are 20 x 16"),
        ({"detector_count": 40}, "for detector count 24, this has 40"),
        ({"detector_pitch": 2.0}, "for detector pitch 1, this has 2"),
        ({"detector_pitch": 2.0, "pixel_size": 2.0}, ""),
        ({"angles_deg": [6.0 * k + 1e-9 for k in range(30)]}, ""),
        ({}, ""),
    ],
    ids=str,
)
def test_another_geometry_gets_a_remark(change, words):
    problem = problem_of(scan(**change))
    found = fit(M.UNet(), unet(scan()), problem)
    assert found.refusal == "" and words in found.remark and bool(words) == bool(found.remark)
    result = mp.reconstruct(problem, M.UNet(), unet(scan()))
    assert result.remark == found.remark


def test_other_noise_gets_a_remark():
    trained = unet(scan(), noise=Description(**describe(mp.noise.Gaussian(relative=0.05))))
    for noise, words in (
        (mp.noise.Gaussian(relative=0.2), "noise: relative 0.05, this has 0.2"),
        (mp.noise.Poisson(), "noise: gaussian, this is poisson"),
        (mp.noise.Gaussian(relative=0.05), ""),
        (None, ""),
    ):
        remark = fit(M.UNet(), trained, problem_of(scan(), noise)).remark
        assert words in remark and bool(words) == bool(remark)


def test_other_masks_kernels_and_parts():
    mri = [O.MRICartesian((16, 16), acceleration=4, seed=seed) for seed in (0, 1)]
    assert "for seed 0, this has 1" in fit(M.UNet(), unet(mri[0]), problem_of(mri[1])).remark
    kernels = [O.Blur((16, 16), "custom", kernel_values=torch.eye(n).numpy() / n) for n in (3, 5)]
    assert "other kernel values" in fit(M.UNet(), unet(kernels[0]), problem_of(kernels[1])).remark
    gaussian = O.Blur((16, 16))
    assert "for kernel gaussian, this has custom. The" in fit(M.UNet(), unet(gaussian), problem_of(kernels[0])).remark
    several = O.MRICartesian(
        (16, 16), acceleration=4, sensitivities=torch.ones(3, 16, 16, dtype=torch.complex64).numpy()
    )
    given = O.MRICartesian((16, 16), mask="custom", mask_values=np.eye(16), sensitivities=several.sensitivities)
    for A, words in ((several, ""), (given, "for mask variable-density, this has custom; ")):
        remark = fit(M.UNet(), unet(mri[0]), problem_of(A)).remark
        assert f"{words}for sensitivities simulated, this has its own (3 x 16 x 16). The" in remark
    blur, mask = O.Blur((16, 16)), O.Inpainting((16, 16))
    pair = O.Stacked(parts=(blur, mask))
    assert "operator 'stacked of blur and inpainting'" in fit(M.UNet(), unet(pair), problem_of(blur)).refusal
    wider = O.Stacked(parts=(O.Blur((16, 16), width=3.0), mask))
    assert "for width" in fit(M.UNet(), unet(pair), problem_of(wider)).remark
    assert fit(M.UNet(), unet(pair), problem_of(O.Stacked(parts=(mask, blur)))).refusal
    assert fit(M.UNet(), unet(scan()), problem_of(1e3 * scan())).remark == "", "a factor is another unit"
    assert fit(M.UNet(), unet(1e3 * scan()), problem_of(scan())).remark == ""


@pytest.mark.parametrize(
    ("described", "words"),
    [
        (Description(name="scaled", params={}), "not said to be of any other"),
        (Description(name="scaled", params={"operator": "x"}), "not said to be of any other"),
        (Description(name="parallel-beam", params={}), "does not describe the operator of its training"),
        (Description(name="parallel-beam", params={"image_shape": "huh"}), "does not describe the operator"),
    ],
)
def test_cards_whose_operator_is_none(described, words):
    card = unet(scan()).card.model_copy(update={"operator": described})
    assert words in M.UNet().accepts(card, scan()).refusal


def test_a_reconstructor_whose_card_calls_it_a_denoiser():
    A = scan()
    network = networks.build("modl", {"channels": 1, "iterations": 1, "width": 2, "depth": 2})
    lying = weights_of(network, method="denoiser")
    for method in (M.PnPADMM(), M.Direct()):
        assert "makes pictures of measurements, for the method 'unrolled'" in fit(method, lying, problem_of(A)).refusal
    strange = weights.Weights({}, lying.card.model_copy(update={"architecture": Description(name="resnet")}))
    assert "cannot be used: Unknown architecture" in fit(M.PnPADMM(), strange, problem_of(A)).refusal


def test_noise_of_the_training():
    A, noisy = scan(), mp.noise.Gaussian(relative=0.02, std=0.1)
    task = {"task": {"name": "reconstruct", "params": {"noise": None}}}
    assert (
        "trained for noise: none, this is gaussian"
        in fit(M.UNet(), unet(A, training=task), problem_of(A, noisy)).remark
    )
    assert fit(M.UNet(), unet(A, training=task), problem_of(A)).remark == ""
    assert fit(M.UNet(), unet(A), problem_of(A, noisy)).remark == "", "of that card nothing is known"
    for given, words in (({"std": 0.1}, ""), ({"std": 0.2}, "std 0.2, this has 0.1"), ({}, "relative 0.05, this has")):
        trained = unet(A, noise=Description(name="gaussian", params={"relative": 0.05, **given}))
        remark = fit(M.UNet(), trained, problem_of(A, noisy)).remark
        assert words in remark and bool(remark) == bool(words)


def test_factors_inside_of_a_stack_count():
    A = scan()
    trained = unet(O.Stacked(parts=(A, 2.0 * A)))
    for parts, words in (((3.0 * A, 6.0 * A), ""), ((A, A), "trained for other factors of the parts")):
        remark = fit(M.UNet(), trained, problem_of(O.Stacked(parts=parts))).remark
        assert words in remark and bool(remark) == bool(words)
