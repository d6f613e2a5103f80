"""Methods that run a trained reconstructor: units, items, complex pictures, odd sizes, over operators."""

import pytest
import torch

import napari_mlpatch as mp
from napari_mlpatch import networks
from napari_mlpatch.core.registry import architectures, methods
from napari_mlpatch.networks import Reconstructor

from .test_items import OPERATORS, apart, each_operator, measured
from .tiny import Descent, equilibrium, unet, weights_of

M, O = mp.methods, mp.operators


def cases(A, channels=1):
    """Method and network: one of weights, one of a module."""
    torch.manual_seed(0)
    descent = Descent(iterations=4, channels=2 * channels if A.complex_image else channels)
    return {"unet": (M.UNet(), unet(A, channels=channels)), "unrolled": (M.Unrolled(), descent)}


def solved(A, y, case):
    return mp.reconstruct(mp.Problem(A, y), *case).x


@each_operator
def test_a_slice_in_a_stack_is_the_slice_alone(A):
    y = measured(A, 100.0, 1.0, 0.3)
    for name, case in cases(A).items():
        stack = solved(A, y, case)
        for i in range(3):
            assert apart(stack[i], solved(A, y[i : i + 1], case)[0]) < 1e-5, name
        assert apart(solved(A, y[[1, 0]], case)[0], stack[1]) < 1e-5, name


@each_operator
@pytest.mark.parametrize(("scale", "kind", "bound"), [(1e-6, torch.float64, 1e-6), (3e5, torch.float32, 1e-5)])
def test_pictures_have_the_units_of_data_and_operator(A, scale, kind, bound):
    y = measured(A, 1.0).to(kind.to_complex() if A.complex_data else kind)
    for name, case in cases(A).items():
        x = solved(A, y, case)
        assert x.dtype == (kind.to_complex() if A.complex_image else kind)
        assert apart(solved(A, scale * y, case) / scale, x) < bound, name
        assert apart(solved(scale * A, y, case) * scale, x) < bound, name
        assert apart(solved(scale * A, scale * y, case), x) < bound, name


def test_the_unit_of_length_does_not_matter():
    def scan(unit):
        return O.ParallelBeam((20, 18), "0:180:15", 28, detector_pitch=unit, pixel_size=unit)

    weights = unet(scan(1.0))
    y = measured(scan(1.0), 1.0)
    found = mp.reconstruct(mp.Problem(scan(1e-6), y), M.UNet(), weights)
    assert apart(found.x * 1e-6, solved(scan(1.0), y, (M.UNet(), weights))) < 1e-4 and found.remark == ""


def test_without_normalisation_only_the_operator_is_divided():
    """Weights whose training says so see pictures in their own values; data in other units make another picture."""
    A = OPERATORS["parallel-beam"]
    plain, other = (unet(A, strength=1.0, training={"task": {"normalise": flag}}) for flag in (False, True))
    y = measured(A, 1.0)
    x = solved(A, y, (M.UNet(), plain))
    assert apart(solved(1e3 * A, 1e3 * y, (M.UNet(), plain)), x) < 1e-5
    assert apart(solved(A, 1e3 * y, (M.UNet(), plain)) / 1e3, x) > 1e-3
    assert apart(solved(A, 1e3 * y, (M.UNet(), other)) / 1e3, solved(A, y, (M.UNet(), other))) < 1e-5


@pytest.mark.parametrize("channels", [1, 2])
def test_channels_of_a_picture(channels):
    A = OPERATORS["blur"]
    y = measured(A, 1.0, channels=channels)
    for case in cases(A, channels).values():
        assert solved(A, y, case).shape == (1, channels, *A.domain_shape)


@pytest.mark.parametrize("shape", [(1, 1), (7, 5), (33, 2)])
def test_odd_sizes(shape):
    A = O.Blur(image_shape=shape)
    y = A(torch.rand(1, 1, *shape))
    for case in cases(OPERATORS["blur"]).values():
        x = solved(A, y, case)
        assert x.shape == (1, 1, *shape) and x.isfinite().all()


def test_complex_pictures_of_real_operators():
    """An operator that takes either needs a network of two channels where its data are complex."""
    A = OPERATORS["blur"]
    y = torch.complex(measured(A, 1.0), measured(A, 0.5))
    with pytest.raises(mp.InputError, match=r"with 1 channel, these data make pictures with 2 \(real and"):
        solved(A, y, (M.UNet(), unet(A)))
    assert solved(A, y, (M.UNet(), unet(A, channels=2))).is_complex()


def test_the_residual_is_told():
    A = OPERATORS["parallel-beam"]
    problem = mp.Problem(A, measured(A, 1.0, 50.0))
    result = mp.reconstruct(problem, *cases(A)["unrolled"])
    alone = [float((A(x[None]) - y[None]).norm() / y.norm()) for x, y in zip(result.x, problem.y, strict=True)]
    assert result.history[-1]["relative_residual"] == pytest.approx(max(alone), rel=1e-6)
    assert [row["k"] for row in result.history] == [1, 2, 3, 4]


def test_a_network_that_goes_astray_is_told():
    """More than a picture of zeros would leave of the data."""
    A = OPERATORS["parallel-beam"]
    problem = mp.Problem(A, measured(A, 1.0, 2.0))
    astray = Descent(iterations=4)
    astray.filter.weight *= 1e3
    wrong, right = (mp.reconstruct(problem, M.Unrolled(), module) for module in (astray, Descent(iterations=4)))
    assert wrong.metrics["relative_residual"] > 1 and "contradicts the data" in wrong.remark and not wrong.not_converged
    assert right.metrics["relative_residual"] < 1 and right.remark == ""
    assert "data like these, fewer iterations, or another method" in wrong.remark
    wrong = mp.reconstruct(problem, M.UNet(), unet(A, strength=1e4))
    assert wrong.metrics["relative_residual"] > 1 and "data like these or another method" in wrong.remark


def test_more_and_fewer_iterations_than_in_the_training():
    """Of two kinds: all iterations alike, and each with networks of its own, of which the last goes on."""
    A = OPERATORS["parallel-beam"]
    problem = mp.Problem(A, measured(A, 1.0))
    for name in ("lgd", "lpd"):
        torch.manual_seed(0)
        weights = weights_of(networks.build(name, {"iterations": 3, "width": 2}), A)
        whole = mp.reconstruct(problem, M.Unrolled(), weights)
        longer, fewer = (mp.reconstruct(problem, M.Unrolled(iterations=k), weights) for k in (5, 2))
        assert (whole.iterations, longer.iterations, fewer.iterations) == (3, 5, 2)
        assert longer.history[2]["relative_residual"] == whole.history[2]["relative_residual"]
        assert "were trained for 3 iterations, not for 5" in longer.remark and "not for 2" in fewer.remark
        assert mp.reconstruct(problem, M.Unrolled(), weights).iterations == 3, "the opened network is as it was"


def test_what_is_no_reconstructor_is_refused():
    A = OPERATORS["blur"]
    problem = mp.Problem(A, measured(A, 1.0))
    with pytest.raises(mp.InputError, match="needs trained weights of its own kind"):
        mp.reconstruct(problem, M.UNet(), lambda x, sigma: x)
    with pytest.raises(mp.InputError, match="needs trained weights of its own kind"):
        mp.estimate(problem, M.Unrolled())


def test_half_precision_where_the_processor_has_it(monkeypatch):
    A = OPERATORS["parallel-beam"]
    y, weights = measured(A, 1.0), unet(A, strength=1.0)
    monkeypatch.setattr("napari_mlpatch.methods.learned.has_bfloat16", lambda kind: True)
    rough, fine = (solved(A, y, (M.UNet(precision=p), weights)) for p in ("bfloat16", "float32"))
    assert 1e-6 < apart(rough, fine) < 0.02
    monkeypatch.setattr("napari_mlpatch.methods.learned.has_bfloat16", lambda kind: False)
    with pytest.warns(UserWarning, match="in software"):
        solved(A, y, (M.UNet(precision="bfloat16"), weights))


def test_an_operator_without_a_quick_picture():
    class Bare(type(OPERATORS["blur"])):
        def pinv(self, y):
            raise NotImplementedError

    A = Bare(image_shape=(8, 8))
    with pytest.raises(mp.InputError, match="'blur' has no quick picture"):
        solved(A, torch.rand(1, 1, 8, 8), (M.UNet(), unet(OPERATORS["blur"])))


def test_weights_of_another_network_under_the_name_of_a_method():
    """A card that was written by hand."""
    A = OPERATORS["blur"]
    torch.manual_seed(0)
    card = weights_of(networks.build("dncnn", {"depth": 3, "width": 4}), A, method="unet")
    with pytest.raises(mp.InputError, match="are a denoiser, not for the method 'unet'"):
        solved(A, measured(A, 1.0), (M.UNet(), card))


def test_all_methods_that_need_networks_name_what_they_take():
    for cls in methods:
        assert isinstance(cls().needs_network, bool)
    assert issubclass(Descent, Reconstructor)


@pytest.mark.parametrize("name", ["unet", "equilibrium"])
def test_no_data_make_no_picture(name):
    """As pictures scale with the data, whatever a network has for zeros."""
    A = OPERATORS["parallel-beam"]
    method, trained = (M.UNet(), unet(A, strength=1.0)) if name == "unet" else (M.DeepEquilibrium(), equilibrium())
    if name == "equilibrium":
        trained.denoiser.layers[-1].bias += 0.1
    y = measured(A, 1.0, 0.0)
    x = solved(A, y, (method, trained))
    assert x[0].any() and not x[1].any()


def test_data_in_other_units_than_those_of_a_training_without_normalisation():
    A = OPERATORS["parallel-beam"]
    trained = unet(A, strength=1.0, training={"task": {"normalise": False}})
    problem = mp.Problem(A, measured(A, 1.0))
    result = mp.reconstruct(problem, M.UNet(), trained)
    assert result.remark == ""
    other = mp.reconstruct(mp.Problem(A, 1e4 * problem.y), M.UNet(), trained)
    assert "does not scale with the data: bring the data to that unit" in other.remark
    opened = mp.reconstruct(problem, M.UNet(), networks.opened(trained))
    torch.testing.assert_close(opened.x, result.x, msg="a module knows how it was trained")


@pytest.mark.parametrize("name", sorted(made.name for made in architectures if made.method != "denoiser"))
def test_what_a_recipe_says_of_the_precision_is_what_was_done(name, monkeypatch):
    """bfloat16 changes the picture a little, or the recipe says float32 where there is nothing to round."""
    monkeypatch.setattr("napari_mlpatch.methods.learned.has_bfloat16", lambda kind: True)
    A = OPERATORS["parallel-beam"]
    torch.manual_seed(0)
    network = networks.build(name, architectures.get(name).start)
    for value in network.parameters():  # those that start as zero would hide it
        value.data += 0.02 * torch.randn_like(value)
    weights, method = weights_of(network, A), methods.get(network.config.method)
    problem = mp.Problem(A, measured(A, 1.0).float())
    rough, fine = (mp.reconstruct(problem, method(precision=p), weights) for p in ("bfloat16", "float32"))
    said = rough.recipe.method.params["precision"]
    assert said == ("bfloat16" if network.config.computes_in_bfloat16 else "float32")
    assert 1e-6 < apart(rough.x, fine.x) < 0.1 if said == "bfloat16" else torch.equal(rough.x, fine.x)
