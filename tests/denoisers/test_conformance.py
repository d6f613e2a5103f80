"""What every registered denoiser must do. A new one gets its line in EXAMPLES: the network that it needs, or None."""

import pytest
import torch
from pydantic.dataclasses import dataclass

import napari_mlpatch as mp
from napari_mlpatch.core.declare import CONFIG, build, describe, parameters
from napari_mlpatch.core.registry import denoisers, methods
from napari_mlpatch.denoisers import Denoiser, denoiser

EXAMPLES = {"network": "mlpatch-gray-small", "nl-means": None, "tv": None, "wavelets": None}


@pytest.fixture(params=EXAMPLES)
def denoise(request):
    weights = EXAMPLES[request.param]
    return denoiser(request.param, weights and mp.weights.find(weights))


@pytest.fixture(scope="module")
def noisy():
    truth = torch.zeros(1, 1, 40, 48)
    truth[..., 12:28, 12:36] = 1.0
    return truth, truth + 0.1 * torch.randn(truth.shape, generator=torch.Generator().manual_seed(0))


def test_every_denoiser_has_an_example():
    assert set(denoisers.names()) == set(EXAMPLES)


@pytest.mark.parametrize("name", EXAMPLES)
def test_declaration(name):
    cls = denoisers.get(name)
    assert issubclass(cls, Denoiser) and cls.title and cls.__doc__
    assert cls.needs_network == (EXAMPLES[name] is not None)
    assert all(not p.required and p.description for p in parameters(cls))
    for method in (mp.methods.PnPADMM(denoiser=name), mp.methods.Direct(denoiser=name)):
        assert method.needs_network == cls.needs_network
        assert build(methods, describe(method)) == method


def test_takes_noise_off_and_leaves_its_input_alone(denoise, noisy):
    truth, x = noisy
    before = x.clone()
    with torch.no_grad():
        clean = denoise(x, 0.1)
    assert clean.shape == x.shape and clean.dtype == torch.float32 and torch.equal(x, before)
    assert (clean - truth).norm() < 0.6 * (x - truth).norm()


def test_images_of_a_batch_are_independent(denoise, noisy):
    _, x = noisy
    two = torch.cat([x, 0.5 * x.flip(-1)])
    with torch.no_grad():
        both, alone = denoise(two, 0.1), torch.cat([denoise(one[None], 0.1) for one in two])
    assert (both - alone).norm() <= 1e-3 * alone.norm()


def test_unknown_names_are_refused_with_the_known():
    with pytest.raises(ValueError, match=r"Unknown denoiser 'bm3d'\. Known: network, nl-means, tv, wavelets"):
        mp.methods.PnPADMM(denoiser="bm3d")
    with pytest.raises(mp.InputError, match="'bm3d'"):
        denoiser("bm3d")


def test_one_file_adds_one(monkeypatch, noisy):
    """Known to methods, forms and recipes as soon as it is registered."""
    monkeypatch.setattr(denoisers, "_classes", dict(denoisers._classes))

    @denoisers.register("mean", title="Local mean")
    @dataclass(frozen=True, config=CONFIG)
    class Mean(Denoiser):
        """Mean over 3 x 3 pixels, whatever the noise."""

        def __call__(self, x, sigma):
            return torch.nn.functional.avg_pool2d(x, 3, 1, 1, count_include_pad=False)

    _, x = noisy
    problem = mp.Problem(mp.operators.Identity(image_shape=(40, 48)), x, noise_std=0.1)
    result = mp.reconstruct(problem, mp.methods.Direct(denoiser="mean"))
    assert (result.x - Mean()(x, 0.1)).norm() < 1e-5 * x.norm()
    assert result.recipe.build_method() == mp.methods.Direct(denoiser="mean")
    (choice,) = (p for p in parameters(mp.methods.Direct) if p.name == "denoiser")
    assert choice.kind == "choice" and "mean" in choice.choices and choice.default == "network"
