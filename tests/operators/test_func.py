"""Operators under the transforms of ``torch.func``, and tables that were first needed inside of one."""

import pytest
import torch
from torch.func import grad, jvp, linearize, vjp, vmap

import napari_mlpatch as mp
from napari_mlpatch.core.declare import build, describe
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.registry import operators

from .test_conformance import each_operator, image, measurement, real_image, relative

each_kind = pytest.mark.parametrize("kind", ["apply", "adjoint", "normal"])


def again(A):
    """The same without tables."""
    return build(operators, describe(A))


def function(A, kind):
    return {"apply": A, "adjoint": A.T, "normal": A.normal}[kind]


def arguments(A, kind):
    """Two, of whatever is given to it."""
    make = measurement if kind == "adjoint" else image
    return make(A, 2, 1), make(A, 2, 1)


@each_operator
@each_kind
def test_forward_derivative_is_the_map_itself(A, kind):
    x, dx = arguments(A, kind)
    f = function(again(A), kind)
    value, change = jvp(f, (x,), (dx,))
    assert relative(value, f(x)) < 1e-12 and relative(change, f(dx)) < 1e-12
    assert torch.autograd.gradcheck(f, x.requires_grad_(), fast_mode=True, check_forward_ad=True)


@each_operator
@each_kind
def test_backward_derivative_is_the_transpose(A, kind):
    x, _ = arguments(A, kind)
    value, pull = vjp(function(again(A), kind), x)
    back = function(A, {"apply": "adjoint", "adjoint": "apply", "normal": "normal"}[kind])
    assert relative(pull(value)[0], back(value)) < 1e-10
    square = lambda x: function(A, kind)(x).abs().square().sum()  # noqa: E731
    twice = grad(lambda x: (grad(square)(x).conj() * x).real.sum())(x)  # 2 (4 MᵀM x)
    assert relative(twice, 4.0 * back(function(A, kind)(x))) < 1e-10


@each_operator
@each_kind
def test_maps_over_any_axis(A, kind):
    x, other = arguments(A, kind)
    f = function(again(A), kind)
    stacked = vmap(f, in_dims=2, out_dims=1)(torch.stack([x, other], 2))
    assert relative(stacked, torch.stack([f(x), f(other)], 1)) < 1e-12
    g = vmap(grad(lambda x: f(x).abs().square().sum()))(torch.stack([x, other]))
    assert relative(g[1], grad(lambda x: f(x).abs().square().sum())(other)) < 1e-12


@pytest.mark.filterwarnings("ignore:Attempted to insert a get_attr Node")  # PyTorch's own
@each_operator
def test_linearises(A):
    x, dx = arguments(A, "apply")
    A = again(A)
    value, push = linearize(lambda x: A.normal(x) + A.T(A(x)), x)
    assert relative(value, 2.0 * A.normal(x)) < 1e-9 and relative(push(dx), 2.0 * A.normal(dx)) < 1e-9


def test_what_looks_at_values_refuses_to_be_linearised():
    A = mp.operators.ParallelBeam(image_shape=(16, 16), angles_deg="0:180:8", detector_count=24)
    y = A(torch.rand(1, 1, 16, 16))
    with pytest.raises(InputError, match=r"linearize cannot .*\.jvp"):
        linearize(A.pinv, y)
    value, push = linearize(lambda y: A.fbp(y, padding="zero"), y)
    assert torch.equal(value, A.fbp(y, padding="zero")) and relative(push(2 * y), 2 * value) < 1e-6


@pytest.mark.parametrize("center", [None, 10.2])
@pytest.mark.parametrize("kind", ["fan", "off the middle", "middle"])
def test_steps_that_are_made_for_one_picture_are_linearised(kind, center):
    """Filters of a fan beam, a scanner with more bins, an axis that is tried: nobody else keeps these."""
    A = mp.operators.ParallelBeam(
        image_shape=(16, 16), angles_deg="0:360:12", detector_count=26, center=None if kind == "middle" else 9.3
    )
    if kind == "fan":
        A = mp.operators.FanBeam(**mp.operators.FanBeam.suggest((16, 16)) | {"angles_deg": "0:360:12"})
    y, dy = (torch.randn(1, 1, *A.range_shape, dtype=torch.float64) for _ in range(2))
    f = lambda y: A.fbp(y, padding="zero", center=center)  # noqa: E731
    value, push = linearize(f, y)
    assert relative(value, f(y)) < 1e-12 and relative(push(dy), f(dy)) < 1e-12


@each_operator
def test_tables_made_inside_of_a_transform_serve_outside(A):
    fresh, x = again(A), image(A, 2, 1)
    symbol = lambda: torch.as_tensor(fresh.normal_symbol(x.device, torch.float64))  # noqa: E731
    scales = lambda x: (x * (fresh.norm + fresh.column_norm + symbol().sum())).abs().sum()  # noqa: E731
    inside = vmap(grad(scales))(x)
    assert (fresh.norm, fresh.column_norm) == (A.norm, A.column_norm)
    assert torch.equal(symbol(), torch.as_tensor(A.normal_symbol(x.device, torch.float64)))
    assert torch.equal(inside, grad(scales)(x))
    if A.closed_form:
        squares = lambda b: again(A).solve_shifted(b, 0.1).abs().square().sum()  # noqa: E731
        assert relative(vmap(grad(squares))(torch.stack([x, 2 * x]))[1], grad(squares)(2 * x)) < 1e-12


@each_operator
def test_closed_form_with_a_number_for_each_item(A):
    if not A.closed_form:
        return
    b, alpha = (
        image(A, 2, 1),
        torch.tensor([0.1, 3.0], dtype=torch.float64).reshape(-1, *[1] * (1 + len(A.domain_shape))),
    )
    both = torch.cat([A.solve_shifted(v[None], float(a)) for v, a in zip(b, alpha, strict=True)])
    assert relative(A.solve_shifted(b, alpha), both) < 1e-12
    assert relative(A.solve_shifted(b, alpha[:1].reshape(())), A.solve_shifted(b, 0.1)) < 1e-12


@each_operator
def test_quick_pictures_map_over_any_axis(A):
    """Also those that look at the data: for noise, for rows that do not end in air."""
    y = torch.stack([measurement(A, 2, 1), 3.0 * measurement(A, 2, 1), A(1.0 + image(A, 2, 1))], 2)
    found = vmap(A.pinv, in_dims=2, out_dims=1)(y)
    assert relative(found, torch.stack([A.pinv(v) for v in y.unbind(2)], 1)) < 1e-12


@each_operator
def test_derivatives_of_quick_pictures(A):
    """What was seen in the data (their noise, rows that are cut off) is held fixed; each item of a batch by itself."""
    y, dy = measurement(A, 2, 1), measurement(A, 2, 1)
    value, change = jvp(A.pinv, (y,), (dy,))
    c = torch.randn_like(value)
    pulled = vjp(A.pinv, y)[1](c)[0]
    assert relative(value, A.pinv(y)) < 1e-12
    both = [float((a.conj() * b).real.sum()) for a, b in ((pulled, dy), (c, change))]
    assert both[0] == pytest.approx(both[1], rel=1e-9)
    plain = y.clone().requires_grad_()
    (A.pinv(plain).conj() * c).real.sum().backward()
    assert relative(pulled, plain.grad) < 1e-12
    changes = vmap(lambda y, dy: jvp(A.pinv, (y,), (dy,))[1])(torch.stack([y, 2.0 * y + dy]), torch.stack([dy, y]))
    assert relative(changes[1], jvp(A.pinv, (2.0 * y + dy,), (y,))[1]) < 1e-11
    loss = lambda y: (A.pinv(y).conj() * c).real.sum()  # noqa: E731
    assert relative(vmap(grad(loss))(torch.stack([y, dy]))[1], grad(loss)(dy)) < 1e-11
    if A.name in ("fan-beam", "parallel-beam"):
        y = A(real_image(A, 2, 1).abs())
        h = 1e-6 * float(y.norm() / dy.norm())
        held = jvp(lambda y: A.fbp(y, padding="zero"), (y,), (dy,))[1]
        assert relative(held, (A.fbp(y + h * dy, padding="zero") - A.fbp(y - h * dy, padding="zero")) / (2 * h)) < 1e-6
