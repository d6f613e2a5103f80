"""Names, and packages of others that add to them through entry points."""

import sys
import textwrap
import threading
from importlib.metadata import EntryPoint

import pytest
import torch
from pydantic.dataclasses import dataclass

import napari_mlpatch as mp
from napari_mlpatch.core import registry as module
from napari_mlpatch.core.declare import CONFIG
from napari_mlpatch.core.registry import Registry, methods, operators

OPERATOR = """
    from pydantic.dataclasses import dataclass
    from napari_mlpatch.core.declare import CONFIG
    from napari_mlpatch.core.operator import Operator
    from napari_mlpatch.core.registry import operators

    operators.names()  # asking while being loaded must not hang

    @operators.register("their-flip", title="Upside down")
    @dataclass(frozen=True, config=CONFIG)
    class Flip(Operator):
        image_shape: tuple[int, int]

        @property
        def domain_shape(self):
            return self.image_shape

        range_shape = domain_shape

        def _apply(self, x):
            return 2 * x.flip(-2)

        _adjoint = _apply
"""
METHOD = """
    from pydantic.dataclasses import dataclass
    from napari_mlpatch.core.declare import CONFIG
    from napari_mlpatch.core.method import Iterate, Method
    from napari_mlpatch.core.registry import methods

    @methods.register("their-pinv", title="Pseudo-inverse")
    @dataclass(frozen=True, config=CONFIG)
    class Pinv(Method):
        factor: float = 1.0

        def solve(self, problem, network=None, state=None):
            yield Iterate(self.factor * problem.A.pinv(problem.y), 1, 1, converged=True)
"""
BROKEN = {
    "imports_nothing": "import a_package_that_does_not_exist",
    "no_python": "def broken(:",
    "raises": "raise RuntimeError('no licence file')",
    "exits": "import sys; sys.exit(3)",
    "raises_what_is_no_exception": "class Odd(BaseException): pass\nraise Odd('\\x1b[2J')",
    "lacks_solve": METHOD.replace("def solve", "def resolve").replace("their-pinv", "their-solver"),
    "has_a_default_that_is_no_json": METHOD.replace("factor: float = 1.0", "factor: object = object()"),
    "takes_our_name": METHOD.replace("their-pinv", "tv"),
    "takes_our_name_and_class": METHOD.replace("their-pinv", "tv").replace("Pinv", "TV"),
    "is_no_pydantic_dataclass": METHOD.replace("from pydantic.dataclasses", "from dataclasses").replace(
        ", config=CONFIG", ""
    ),
}


@pytest.fixture
def packages(tmp_path, monkeypatch):
    """Installs modules of other packages: ``packages(group, name=source, ...)``."""
    installed = []
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(module, "entry_points", lambda group: [e for e in installed if e.group == group])
    for registry in (operators, methods):
        registry.names()
        monkeypatch.setattr(registry, "_classes", dict(registry._classes))
        monkeypatch.setattr(registry, "_loaded", False)
        monkeypatch.setattr(registry, "broken", {})

    def install(group, **sources):
        for name, source in sources.items():
            (tmp_path / f"theirs_{name}.py").write_text(textwrap.dedent(source))
            monkeypatch.delitem(sys.modules, f"theirs_{name}", raising=False)
            installed.append(EntryPoint(name, f"theirs_{name}", group))

    return install


def test_operator_and_method_of_another_package(packages):
    packages("napari_mlpatch.operators", flip=OPERATOR)
    packages("napari_mlpatch.methods", pinv=METHOD)
    assert "their-flip" in operators.names() and "parallel-beam" in operators.names()
    assert operators.get("their-flip").title == "Upside down"

    A = operators.get("their-flip")(image_shape=(6, 9))
    x = torch.rand(1, 1, 6, 9)
    problem = mp.simulate(x, A)
    assert A.norm == pytest.approx(2) and A.T.T is A
    result = mp.reconstruct(problem, methods.get("their-pinv")())
    assert torch.allclose(result.x, x)
    assert torch.allclose(mp.reconstruct(problem, mp.methods.TV(weight=1e-6)).x, x, atol=1e-3)
    recipe = mp.Recipe.from_json(result.recipe.to_json())
    assert recipe.method.name == "their-pinv" and recipe.operator.name == "their-flip"
    assert list(mp.run(recipe, problem))[-1].result.x.equal(result.x)
    with pytest.raises(mp.InputError, match="unknown parameter 'factr'"):
        mp.core.declare.build(methods, {"name": "their-pinv", "params": {"factr": 2}})


def test_broken_packages_do_not_take_the_rest_down(packages):
    packages("napari_mlpatch.methods", **BROKEN, pinv=METHOD)
    names = methods.names()
    assert {"their-pinv", "tv", "fbp", "tikhonov"} <= set(names)
    assert methods.get("tv") is mp.methods.TV
    assert set(methods.broken) == set(BROKEN)
    assert methods.broken["imports_nothing"].startswith("ModuleNotFoundError: ")
    assert "no licence file" in methods.broken["raises"]
    assert "does not define solve" in methods.broken["lacks_solve"]
    assert "\x1b" not in methods.broken["raises_what_is_no_exception"]
    assert "two methods named 'tv'" in methods.broken["takes_our_name_and_class"]
    assert methods.names() == names


def test_packages_do_not_print_into_results(packages, capfd):
    packages("napari_mlpatch.methods", chatty="print('hello')\n" + textwrap.dedent(METHOD))
    assert "their-pinv" in methods.names()
    assert capfd.readouterr() == ("", "hello\n")


def test_broken_module_of_our_own_is_no_secret(monkeypatch):
    registry = Registry("thing", "napari_mlpatch.not_there", "napari_mlpatch.nothing")
    for _ in range(2):  # and the second time, too
        with pytest.raises(ModuleNotFoundError):
            registry.names()


def test_threads_see_all_or_wait(packages):
    packages("napari_mlpatch.methods", slow="import time; time.sleep(0.2)\n" + textwrap.dedent(METHOD))
    seen = []
    threads = [threading.Thread(target=lambda: seen.append("their-pinv" in methods.names())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [True] * 4


def test_register():
    registry = Registry("thing", "napari_mlpatch.noises", "napari_mlpatch.nothing")

    @registry.register("one", title="One")
    @dataclass(frozen=True, config=CONFIG)
    class Thing:
        pass

    assert registry.get("one") is Thing and Thing.title == "One" and list(registry) == [Thing]  # type: ignore[attr-defined]
    registry.register("one", title="One again")(Thing)  # a module that is loaded again
    assert registry.names() == ["one"]
    with pytest.raises(TypeError, match="must be a pydantic dataclass"):
        registry.register("two", title="Two")(type("Plain", (), {}))
    with pytest.raises(mp.InputError, match=r"Unknown thing 'two'\. Known: one"):
        registry.get("two")


def test_methods_of_other_packages_have_their_public_name(monkeypatch):
    import napari_mlpatch as mp
    from napari_mlpatch.core.method import Method

    monkeypatch.setattr(methods, "_classes", dict(methods._classes))

    @methods.register("foreign", title="Foreign")
    @dataclass(frozen=True, config=CONFIG)
    class Foreign(Method):
        """Of another package."""

        def solve(self, problem, network=None, state=None):
            yield from ()

    assert mp.methods.Foreign is Foreign
    with pytest.raises(AttributeError, match=r"no method 'Unheard'; known: .*Foreign.*TV"):
        _ = mp.methods.Unheard
