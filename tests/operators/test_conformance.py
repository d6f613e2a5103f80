"""What every registered operator must do. A new one gets its line in examples.py; its values, a file of its own."""

import json
import math

import pytest
import torch
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode

from napari_mlpatch.core.declare import build, describe, parameters
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.registry import operators
from napari_mlpatch.operators import ParallelBeam

from .examples import CASES, EXAMPLES, IDS


def only(condition):
    """Those of the operators for which it holds."""
    chosen = [i for i, (A, _) in enumerate(CASES) if condition(A)]
    return pytest.mark.parametrize("A", [CASES[i][0] for i in chosen], ids=[IDS[i] for i in chosen])


each_operator = pytest.mark.parametrize("A", [A for A, _ in CASES], ids=IDS)


def image(A, *batch, dtype=torch.float64):
    """White noise, complex where A's images are."""
    return torch.randn(*(batch or (1, 1)), *A.domain_shape, dtype=dtype.to_complex() if A.complex_image else dtype)


def real_image(A, *batch, dtype=torch.float64):
    return torch.randn(*(batch or (1, 1)), *A.domain_shape, dtype=dtype)


def measurement(A, *batch, dtype=torch.float64):
    return torch.randn_like(A(image(A, *(batch or (1, 1)), dtype=dtype)))


def relative(a, b):
    return float((a - b).norm() / b.norm())


def dense(A, function):
    """The matrix of a linear function of A's images, one column for each pixel; complex rows of real columns as two."""
    n = math.prod(A.domain_shape)
    units = torch.eye(n, dtype=torch.float64).reshape(n, 1, *A.domain_shape)
    matrix = function(units).flatten(1).T
    return matrix if A.complex_image or not matrix.is_complex() else torch.cat([matrix.real, matrix.imag])


def test_every_operator_has_an_example():
    shipped = {cls.name for cls in operators if cls.__module__.startswith("napari_mlpatch.operators.")}
    assert shipped == set(EXAMPLES)  # others, such as the one of reproduce.py, are registered by who imports them


@each_operator
@pytest.mark.parametrize(("dtype", "bound"), [(torch.float64, 1e-10), (torch.float32, 1e-5)], ids=["64", "32"])
def test_adjoint(A, dtype, bound):
    x, y = image(A, 2, 1, dtype=dtype), measurement(A, 2, 1, dtype=dtype)
    Ax, ATy = A(x), A.T(y)
    there, back = torch.vdot(Ax.flatten(), y.flatten()), torch.vdot(x.flatten(), ATy.flatten())
    if not ATy.is_complex():
        there = there.real
    assert abs(there - back) <= bound * Ax.norm() * y.norm()


@only(lambda A: A.complex_image)
def test_real_images_are_taken_as_complex_ones(A):
    x = real_image(A)
    assert torch.equal(A(x), A(x.to(torch.complex128)))
    assert torch.equal(A.normal(x), A.normal(x.to(torch.complex128)))


@only(lambda A: A.closed_form)
def test_closed_form(A):
    b = image(A, 2, 1)
    for alpha in (0.01, 3.0):
        x = A.solve_shifted(b, alpha)
        assert relative(A.normal(x) + alpha * x, b) < 1e-10


@only(lambda A: A.sampled is not None)
def test_samples_that_do_not_exist(A):
    missing = ~A.sampled.expand(A.range_shape)
    assert missing.any() and A.sampled.any()
    assert not A(image(A))[..., missing].any()
    y = measurement(A)
    filled = torch.where(missing, torch.zeros_like(y), y)
    assert torch.equal(A.T(y), A.T(filled)) and torch.equal(A.pinv(y), A.pinv(filled))


@each_operator
def test_pictures(A):
    x = image(A, 2, 1)
    for seen in (A.picture(x), *A.more_pictures(x).values()):
        assert seen.shape == x.shape and not seen.is_complex()
    seen = A.data_picture(measurement(A, 2, 1))
    assert seen.ndim == 4 and seen.shape[:2] == (2, 1) and not seen.is_complex() and seen.isfinite().all()


@each_operator
def test_linear(A):
    x, z = image(A), image(A)
    for f in (A, A.normal):
        assert relative(f(2.5 * x - 0.3 * z), 2.5 * f(x) - 0.3 * f(z)) < 1e-12


@pytest.mark.parametrize(("A", "tolerance"), CASES, ids=IDS)
def test_normal(A, tolerance):
    x, z = image(A, 2, 1), image(A, 2, 1)
    assert relative(A.normal(x), A.T(A(x))) < tolerance
    Nx, Nz = A.normal(x), A.normal(z)
    assert (
        abs(torch.vdot(Nx.flatten(), z.flatten()) - torch.vdot(x.flatten(), Nz.flatten()))
        < 1e-10 * Nx.norm() * z.norm()
    )
    assert torch.vdot(x.flatten(), Nx.flatten()).real > 0


@each_operator
def test_normal_in_single_precision(A):
    x = image(A, 2, 1, dtype=torch.float32)
    assert relative(A.normal(x), A.T(A(x))) < 1.5e-6


@each_operator
@pytest.mark.parametrize("kind", ["apply", "adjoint", "normal"])
def test_gradients(A, kind):
    x = (measurement(A) if kind == "adjoint" else image(A)).requires_grad_()
    f = {"apply": A, "adjoint": A.T, "normal": A.normal}[kind]
    assert torch.autograd.gradcheck(f, x, fast_mode=True)
    assert torch.autograd.gradgradcheck(f, x, fast_mode=True)


def test_gradients_by_every_entry_of_the_jacobian():
    A = ParallelBeam(image_shape=(2, 3), angles_deg="0:180:2", detector_count=4)
    x = image(A, 2, 1).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: A(x).square(), x)
    assert torch.autograd.gradgradcheck(lambda x: A(x).square(), x)


@each_operator
def test_batch_and_channels_are_independent(A):
    x, y = image(A, 2, 2), measurement(A, 2, 2)
    for f, given in ((A, x), (A.T, y), (A.normal, x), (A.pinv, y)):
        one = torch.stack([torch.stack([f(v[None, None])[0, 0] for v in row]) for row in given])
        assert relative(f(given), one) < 1e-12
    strided = image(A, 2, 3).transpose(0, 1)
    assert relative(A(strided), A(strided.contiguous())) < 1e-12


@each_operator
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_follows_the_type(A, dtype):
    x = image(A, dtype=dtype)
    y = A(x)
    assert y.dtype.to_real() == dtype
    assert A.T(y).dtype.to_real() == A.normal(x).dtype.to_real() == A.pinv(y).dtype.to_real() == dtype
    assert relative(y, A(x.to(torch.promote_types(x.dtype, torch.float64)))) < 1e-5


@each_operator
def test_leaves_its_input_alone(A):
    x, y = image(A), measurement(A)
    before = x.clone(), y.clone()
    A(x), A.normal(x), A.T(y), A.pinv(y)
    assert torch.equal(x, before[0]) and torch.equal(y, before[1])


@each_operator
def test_autocast_does_not_reach_it(A):
    x = image(A, dtype=torch.float32)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y, n = A(x), A.normal(x)
    assert torch.equal(y, A(x)) and torch.equal(n, A.normal(x))


@each_operator
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_on_the_gpu(A):
    x = image(A, 2, 1)
    y = A(x)
    for f, given in ((A, x), (A.T, y), (A.normal, x), (A.pinv, y)):
        there = f(given.cuda())
        assert there.device.type == "cuda"
        assert relative(there.cpu(), f(given)) < 1e-10


@each_operator
def test_transposed_twice(A):
    assert A.T.T is A
    assert (A.T.domain_shape, A.T.range_shape) == (A.range_shape, A.domain_shape)
    assert A(image(A, 2, 3)).shape == (2, 3, *A.range_shape)
    assert A.T(measurement(A, 2, 3)).shape == A.pinv(measurement(A, 2, 3)).shape == (2, 3, *A.domain_shape)


@each_operator
def test_wrong_input(A):
    x, y = real_image(A), measurement(A)
    for f, given in ((A, x), (A.normal, x), (A.T, y), (A.pinv, y)):
        wrong = torch.cat([given, given], -1)
        with pytest.raises(InputError, match=r"expects a (image|measurement) of shape \[batch, channel"):
            f(wrong)
        with pytest.raises(InputError, match="got"):
            f(given[0])
        for dtype in (torch.int32, torch.bool, torch.float16, torch.bfloat16):
            with pytest.raises(InputError, match=f"got {dtype}".replace("torch.", "")):
                f(given.real.to(dtype))
    if A.complex_image is False:
        with pytest.raises(InputError, match="got complex64"):
            A(x.to(torch.complex64))
    if A.complex_data is not None:
        with pytest.raises(InputError, match="expects the measurement in"):
            A.T(y.real.float() if A.complex_data else y.to(torch.complex64))


@each_operator
def test_norms(A):
    matrix = dense(A, A)
    largest = float(torch.linalg.svdvals(matrix)[0])
    assert 0.99 * largest < A.norm < 1.01 * largest
    # Random probes estimate the trace with this standard deviation (Hutchinson 1990).
    gram = (matrix.mT.conj() @ matrix).real
    trace = float(gram.trace())
    deviation = math.sqrt(2 * float((gram - gram.diag().diag()).square().sum()) / 4)
    assert abs(A.column_norm**2 * len(gram) - trace) < 4 * deviation + 0.02 * trace


@each_operator
def test_normal_symbol_preconditions(A):
    """It divides spectra: positive once anything is added to it, of the same size as the eigenvalues."""
    symbol = torch.as_tensor(A.normal_symbol(torch.device("cpu"), torch.float64))
    assert symbol.ndim == 0 or symbol.shape == (A.domain_shape[-2], A.domain_shape[-1] // 2 + 1)
    assert (symbol >= 0).all() and symbol.max() > 0
    assert symbol.max() < 1.5 * A.norm**2
    assert not symbol.is_complex()


@each_operator
def test_description(A):
    description = json.loads(json.dumps(describe(A)))
    again = build(operators, description)
    assert again == A and hash(again) == hash(A) and describe(again) == describe(A)
    x = image(A)
    assert torch.equal(again(x), A(x))
    with pytest.raises(AttributeError):
        A.image_shape = (3, 3)
    for parameter in parameters(type(A)):
        assert parameter.description, parameter.name
        assert not parameter.optional or parameter.none_means


@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.parametrize("shape", [(20, 30), (31, 7)])
def test_suggested_parameters_fit(name, shape):
    cls = operators.get(name)
    A = build(operators, {"name": name, "params": cls.suggest(shape)})
    assert A.domain_shape == shape
    assert A(torch.rand(1, 1, *shape)).isfinite().all()
    assert A.memory_bytes() >= 0


def calls(A):
    """Everything that takes tables, and what it takes."""
    x, y = image(A), measurement(A)
    symbol = lambda x: x * torch.as_tensor(A.normal_symbol(x.device, torch.float64)).sum()  # noqa: E731
    found = [(A, x), (A.T, y), (A.normal, x), (A.pinv, y), (symbol, x)]
    return [*found, (lambda b: A.solve_shifted(b, 0.1), x)] if A.closed_form else found


@each_operator
def test_tables_from_inference_mode_serve_training(A):
    fresh = build(operators, describe(A))
    with torch.inference_mode():
        for f, given in calls(fresh):
            f(given)
    for f, given in calls(fresh):
        x = given.requires_grad_()
        f(x).abs().sum().backward()
        assert x.grad is not None and x.grad.isfinite().all()
    symbol = fresh.normal_symbol(torch.device("cpu"), torch.float64)
    assert not torch.is_tensor(symbol) or symbol is fresh.normal_symbol(torch.device("cpu"), torch.float64)


@each_operator
def test_released_tables_are_made_again(A):
    fresh = build(operators, describe(A))
    pairs = calls(fresh)
    before = [f(given) for f, given in pairs]
    fresh.release("cuda")  # others than these
    fresh.release("cpu")
    assert not any(torch.device("cpu") in key for part in (fresh, *fresh._keepers) for key in part._made)
    assert all(torch.equal(f(given), old) for (f, given), old in zip(pairs, before, strict=True))


class Types(TorchDispatchMode):
    """Notes the types of all tensors that are made, but for numbers."""

    def __init__(self):
        super().__init__()
        self.seen = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        made = func(*args, **(kwargs or {}))
        self.seen |= {v.dtype for v in pytree.tree_leaves(made) if torch.is_tensor(v) and v.ndim}
        return made


@each_operator
def test_double_precision_throughout(A):
    """What passes through single precision differs between devices by more than rounding."""
    for f, given in calls(A):
        f(given)  # makes the tables
        with Types() as types:
            f(given)
        assert types.seen and not types.seen & {torch.float32, torch.complex64}
