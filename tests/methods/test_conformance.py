"""What every registered method must do. A new one gets its line in EXAMPLES; its values, a test file of its own."""

import copy
import json

import pytest
import torch

import napari_mlpatch as mp
from napari_mlpatch.core.declare import build, describe, parameters
from napari_mlpatch.core.method import Method
from napari_mlpatch.core.operator import Operator
from napari_mlpatch.core.registry import methods
from napari_mlpatch.core.run import Cancelled, Control, Done, Failed, Progress, Started, continued, run

from .tiny import Descent, equilibrium, unet


def operator(**change):
    return mp.operators.ParallelBeam(
        **({"image_shape": (32, 32), "angles_deg": "0:180:24", "detector_count": 46} | change)
    )


# One quick instance of each, of at least 6 iterations where it iterates. For a learned method: (method, network).
EXAMPLES: dict[str, Method | tuple[Method, object]] = {
    "equilibrium": (mp.methods.DeepEquilibrium(iterations=12, tolerance=0.0), equilibrium()),
    "fbp": mp.methods.FBP(window="hann"),
    "direct": mp.methods.Direct(denoiser="tv"),
    "pnp-admm": mp.methods.PnPADMM(denoiser="tv", iterations=12, tolerance=0.0),
    "pnp-hqs": mp.methods.PnPHQS(denoiser="tv", iterations=12, tolerance=0.0, averaging=True),
    "pnp-pgm": mp.methods.PnPPGM(denoiser="tv", iterations=12, tolerance=0.0),
    "reuse": (mp.methods.ReuseAndRegularise(iterations=12, tolerance=0.0), Descent(iterations=12)),
    "tikhonov": mp.methods.Tikhonov(weight=0.3, iterations=12, tolerance=0.0),  # far from rounding errors
    "tv": mp.methods.TV(iterations=12, tolerance=0.0),
    "unet": (mp.methods.UNet(), unet(operator())),
    "unrolled": (mp.methods.Unrolled(iterations=12), Descent(iterations=12)),
}
PAIRS = {name: example if isinstance(example, tuple) else (example, None) for name, example in EXAMPLES.items()}

each_method = pytest.mark.parametrize(("method", "network"), PAIRS.values(), ids=PAIRS)
each_iterative = pytest.mark.parametrize(
    ("method", "network"),
    [pair for pair in PAIRS.values() if pair[0].iterative],
    ids=[name for name, pair in PAIRS.items() if pair[0].iterative],
)


def image(size=32):
    r, c = torch.meshgrid(*[torch.linspace(-1, 1, size)] * 2, indexing="ij")
    return (r**2 + c**2 < 0.6).float() + ((r - 0.2).abs() + (c + 0.1).abs() < 0.3).float()


@pytest.fixture(scope="module")
def problem():
    return mp.simulate(image(), operator(), mp.noise.Gaussian(relative=0.05), seed=3)


def recipe_of(problem, method, **options):
    return mp.Recipe.of(problem, method, **options)


def execute(recipe, problem, network=None, **options):
    """All events; the last one ends the run."""
    events = list(run(recipe, problem, network=network, **options))
    assert isinstance(events[-1], Done | Failed | Cancelled)
    assert sum(isinstance(e, Done | Failed | Cancelled) for e in events) == 1
    return events


def finished(recipe, problem, network=None, **options):
    last = execute(recipe, problem, network, **options)[-1]
    assert isinstance(last, Done), getattr(last, "message", last)
    return last.result


def stopped(recipe, problem, network, k):
    """The result of stopping it by hand after iteration k."""
    control = Control()
    for event in run(recipe, problem, network=network, control=control):
        if isinstance(event, Progress) and event.iterate is not None and event.iterate.k >= k:
            control.stop()
        if isinstance(event, Done):
            return event.result
    raise AssertionError(event)


def test_every_method_has_an_example():
    assert set(methods.names()) == set(EXAMPLES)


@each_method
def test_runs(problem, method, network):
    before = problem.y.clone(), problem.truth.clone()
    events = execute(recipe_of(problem, method), problem, network)
    assert isinstance(events[0], Started)
    iterates = [e.iterate for e in events if isinstance(e, Progress) and e.iterate is not None]
    result = events[-1].result
    assert [i.k for i in iterates] == list(range(1, result.iterations + 1)) == [row["k"] for row in result.history]
    assert result.x.shape == problem.truth.shape and result.x.dtype == torch.float32 and result.x.device.type == "cpu"
    assert result.x.isfinite().all() and not result.x.requires_grad
    assert torch.equal(result.x, iterates[-1].x)
    assert result.metrics["nrmse"] < 0.5
    assert result.seconds >= result.history[-1]["seconds"] >= result.history[0]["seconds"] > 0
    assert all(isinstance(value, int | float) for row in result.history for value in row.values())
    assert torch.equal(problem.y, before[0]) and torch.equal(problem.truth, before[1])


@each_method
def test_same_seed_same_picture(problem, method, network):
    first = finished(recipe_of(problem, method, seed=5), problem, network)
    torch.manual_seed(1234)
    torch.rand(7)
    second = finished(recipe_of(problem, method, seed=5), problem, network)
    assert torch.equal(first.x, second.x)


@each_method
def test_recipe_makes_it_again(problem, method, network):
    first = finished(recipe_of(problem, method), problem, network)
    recipe = mp.Recipe.from_json(first.recipe.to_json())
    assert recipe == first.recipe
    assert recipe.build_method() == method.settled(network, torch.device("cpu"))
    assert torch.equal(finished(recipe, problem, network).x, first.x)


@each_method
@pytest.mark.parametrize("at", [0, 1, 4])
def test_cancelled_within_one_step(problem, method, network, at):
    control, seen = Control(), 0
    for event in run(recipe_of(problem, method), problem, network=network, control=control):
        assert control.wish is None or isinstance(event, Cancelled), "it went on after the wish to cancel"
        if isinstance(event, Progress):
            seen += 1
            if seen > at or (event.iterate is not None and event.iterate.k == event.iterate.total):
                control.cancel()
    assert isinstance(event, Cancelled)


@each_iterative
@pytest.mark.parametrize("k", [1, 4])
def test_stopped_and_kept(problem, method, network, k):
    result = stopped(recipe_of(problem, method), problem, network, k)
    assert result.iterations == k == result.recipe.stopped_at
    assert not result.converged and len(result.history) == k
    again = finished(mp.Recipe.from_json(result.recipe.to_json()), problem, network)
    assert torch.equal(again.x, result.x) and again.iterations == k


@each_iterative
@pytest.mark.parametrize("k", [1, 4])
def test_continued_as_if_there_had_been_no_stop(problem, method, network, k):
    whole = finished(recipe_of(problem, method), problem, network)
    part = stopped(recipe_of(problem, method), problem, network, k)
    recipe = continued(part.recipe, whole.iterations)
    rest = finished(recipe, problem, network, state=part.state, history=part.history)
    assert rest.iterations == whole.iterations and rest.recipe.stopped_at is None
    assert [row["k"] for row in rest.history] == [row["k"] for row in whole.history]
    assert (rest.x - whole.x).norm() <= 1e-6 * whole.x.norm()
    assert torch.equal(finished(rest.recipe, problem, network).x, whole.x)


@each_iterative
def test_continued_beyond_its_end(problem, method, network):
    total = method.iterations
    short = finished(recipe_of(problem, method), problem, network)
    recipe = continued(short.recipe, total + 5)
    longer = finished(recipe, problem, network, state=short.state, history=short.history)
    assert longer.iterations == total + 5
    assert (longer.x - finished(recipe, problem, network).x).norm() <= 1e-6 * longer.x.norm()


@each_iterative
def test_gives_way_at_least_once_in_two_operator_calls_an_iteration(problem, method, network, monkeypatch):
    """Cancelling can wait only for what lies between two yields."""
    calls, most = 0, 0
    for kind in ("_apply", "_adjoint", "_normal"):
        original = getattr(mp.operators.ParallelBeam, kind)

        def counted(self, x, original=original):
            nonlocal calls
            calls += 1
            return original(self, x)

        monkeypatch.setattr(mp.operators.ParallelBeam, kind, counted)
    for event in run(recipe_of(problem, method), problem, network=network):
        if isinstance(event, Progress):
            most, calls = max(most, calls), 0
    assert most <= 8


@each_method
def test_batch(problem, method, network):
    """Two images at once: the same as one after the other, but for what they share (step lengths, weights)."""
    two = mp.simulate(torch.stack([image(), image().T * 0.8])[:, None], operator(), mp.noise.Gaussian(), seed=3)
    both = finished(recipe_of(two, method), two, network).x
    assert both.shape == (2, 1, 32, 32)
    for i in range(2):
        single = mp.Problem(two.A, two.y[i : i + 1], noise_std=two.noise_std, truth=two.truth[i : i + 1])
        one = finished(recipe_of(single, method), single, network).x
        assert (both[i] - one[0]).norm() < 0.05 * one.norm()


@each_method
def test_double_precision(problem, method, network):
    double = mp.Problem(problem.A, problem.y.double(), noise_std=problem.noise_std)
    x = finished(recipe_of(double, method), double, network).x
    assert x.dtype == torch.float64
    single = mp.Problem(problem.A, problem.y, noise_std=problem.noise_std)
    assert (x - finished(recipe_of(single, method), single, network).x).norm() < 1e-3 * x.norm()


@each_method
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_on_the_gpu(problem, method, network):
    moved = copy.deepcopy(network).to("cuda") if isinstance(network, torch.nn.Module) else network
    there = finished(recipe_of(problem, method, device="cuda"), problem, moved)
    assert there.x.device.type == "cpu"
    assert (there.x - finished(recipe_of(problem, method), problem, network).x).norm() < 1e-3 * there.x.norm()


@each_method
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_unusable_data_are_refused(problem, method, network, value):
    y = problem.y.clone()
    y[0, 0, 3, 4] = value
    with pytest.raises(mp.InputError, match=r"1 NaN or infinite value\(s\), the first at index \[0, 0, 3, 4\]"):
        mp.Problem(problem.A, y)
    y[0, 0, 3, 4] = 1e38  # finite, but not for long
    spoilt = mp.Problem(problem.A, y)
    last = execute(recipe_of(spoilt, method), spoilt, network)[-1]
    assert isinstance(last, Done) or (isinstance(last, Failed) and last.message)


@each_method
def test_wrong_shapes_are_refused(problem, method, network):
    for y in (problem.y[..., :-1], problem.y.mT, problem.y[0, 0, 0], torch.zeros(1, 1, 1, *problem.A.range_shape)):
        with pytest.raises(mp.InputError, match="measurement has shape"):
            mp.Problem(problem.A, y)
    with pytest.raises(mp.InputError, match="truth has shape"):
        mp.Problem(problem.A, problem.y, truth=torch.zeros(31, 32))


@each_method
def test_empty_scan(method, network):
    """All zeros in, all zeros out."""
    A = operator()
    empty = mp.Problem(A, torch.zeros(A.range_shape))
    result = finished(recipe_of(empty, method), empty, network)
    assert network is not None or (result.x == 0).all()


@each_method
@pytest.mark.parametrize(
    "change",
    [
        {"image_shape": (7, 5), "detector_count": 4},
        {"image_shape": (1, 8)},
        {"angles_deg": (30.0,), "detector_count": 10},
        {"detector_pitch": 2.5, "detector_count": 20},
        {"image_shape": (1, 1), "detector_count": 1},
        {"pixel_size": 1e-6, "detector_pitch": 1e-6},
    ],
    ids=str,
)
def test_odd_geometries(method, network, change):
    A = operator(**change)
    odd = mp.simulate(torch.rand(A.image_shape), A, mp.noise.Gaussian())
    result = finished(recipe_of(odd, method), odd, network)
    assert result.x.shape == (1, 1, *A.image_shape) and result.x.isfinite().all()


class Identity(Operator):
    """Not a scan: what a method cannot work on, it says."""

    name, image_shape = "identity", (8, 8)
    domain_shape = range_shape = (8, 8)

    def _apply(self, x):
        return x.clone()

    _adjoint = _apply


@each_method
def test_says_where_it_is_unsuitable(method, network):
    reason = method.unsuitable(Identity())
    assert isinstance(reason, str)
    if reason:
        problem = mp.Problem(Identity(), torch.rand(8, 8))
        with pytest.raises(mp.InputError, match="CT operator"):
            next(iter(method.solve(problem, network)))
    assert method.unsuitable(operator()) == ""


@each_method
def test_description(method, network):
    assert build(methods, json.loads(json.dumps(describe(method)))) == method
    for parameter in parameters(type(method)):
        assert parameter.description, parameter.name
        assert not parameter.required, f"{parameter.name} needs a default"
        assert not parameter.optional or parameter.none_means
    assert type(method).__doc__ and method.title


@each_method
def test_estimate(problem, method, network):
    cost = mp.estimate(problem, method, network)
    assert cost.seconds > 0 and cost.bytes >= problem.A.memory_bytes()
    if method.iterative:
        more = build(methods, {"name": method.name, "params": describe(method)["params"] | {"iterations": 1200}})
        cost = mp.estimate(problem, more, network)
        assert cost.iterations == 1200
        assert cost.seconds == pytest.approx(cost.setup + 1200 * cost.per_iteration) and cost.per_iteration > 0


@each_method
def test_a_shortened_one_does_the_same(problem, method, network):
    """So many iterations, and from the same start to the same end as far as there are schedules."""
    short = method.shortened(4)
    assert type(short) is type(method)
    if short is not method:
        assert short.iterations == 4
        rows = [finished(recipe_of(problem, m), problem, network).history for m in (method, short)]
        assert rows[1][0]["sigma"] == pytest.approx(rows[0][0]["sigma"])
        assert short.shortened(100) == short
