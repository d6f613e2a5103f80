"""Who may import whom: core <- operators, solvers, networks <- methods <- training, batch, cli, gui.

A room is a module or folder directly under napari_mlpatch. A new room gets its line in MAY_IMPORT.
"""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "napari_mlpatch"
ROOT = "napari_mlpatch"  # the public names, `import napari_mlpatch as mp`

FORWARD = {"core", "operators", "noises"}
METHODS = FORWARD | {"solvers", "networks", "denoisers", "methods", "weights", "io", "paths"}
MAY_IMPORT = {
    "torch_later": set(),  # which all may import
    "paths": set(),
    "core": {"paths"},
    "operators": FORWARD,
    "noises": {"core"},
    "noise": {"noises"},
    "solvers": {"core"},
    "networks": {"core", "solvers"},
    "denoisers": {"core", "solvers", "networks"},
    "io": FORWARD | {"paths"},
    "weights": FORWARD | {"paths"},
    "methods": METHODS - {"io"},
    "explore": METHODS | {"training", ROOT},
    "training": METHODS | {ROOT},
    "figures": {"core", "io"},
    "batch": METHODS | {"figures", ROOT},
    "stacks": METHODS | {"batch", ROOT},
    "workbench": METHODS - {"solvers", "networks", "denoisers"}
    | {"training", "explore", "batch", "stacks", "figures", ROOT},
    "interop": METHODS | {ROOT},
    "reproduce": METHODS | {"training", ROOT},
    "__main__": {"cli"},
    "cli": METHODS
    | {"training", "batch", "interop", "reproduce", "explore", "workbench", "figures", "gui", "stacks", ROOT},
    "gui": METHODS - {"solvers", "networks", "denoisers"}
    | {"training", "workbench", "explore", "batch", "stacks", "figures", "interop", ROOT},
}
SCREEN = {"napari", "qtpy", "magicgui", "superqt", "pyqtgraph", "PyQt5", "PyQt6", "PySide2", "PySide6", "sip"}
COMPUTING = (
    "torch.nn",
    "torch.optim",
    "torch.fft",
    "torch.autograd",
    "torch.linalg",
    "scipy",
    "napari_mlpatch.torch_later.F",
)


def imports(source: str, module: str, is_package: bool) -> Iterator[tuple[int, str]]:
    """Line and full name of each import, also inside functions; of our own not those for types only."""
    package = module.split(".") if is_package else module.split(".")[:-1]
    nodes = list(ast.walk(ast.parse(source)))
    guarded = [node for node in nodes if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
    for_types = {id(inner) for node in guarded for part in node.body for inner in ast.walk(part)}
    for node in nodes:
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            start = ".".join([*above, *filter(None, [node.module])])
            names = [f"{start}.{alias.name}" for alias in node.names]
        else:
            continue
        ours = {name for name in names if name.split(".")[0] == ROOT}
        yield from ((node.lineno, name) for name in names if id(node) not in for_types or name not in ours)


def room_of(name: str) -> str:
    """The room of an imported name; ROOT for what the package itself offers."""
    parts = name.split(".")
    is_room = len(parts) > 1 and ((PACKAGE / parts[1]).is_dir() or (PACKAGE / f"{parts[1]}.py").is_file())
    return parts[1] if is_room else ROOT


def complaint(room: str, name: str) -> str | None:
    """Why code in `room` may not import `name`, or None."""
    top = name.split(".")[0]
    if room == "gui" and f"{name}.".startswith(tuple(f"{c}." for c in COMPUTING)):
        return f"gui computes nothing, so it does not need {name}"
    if top == ROOT:
        other = room_of(name)
        if room != ROOT and other not in MAY_IMPORT[room] | {room, "torch_later"}:
            return f"{room} may not import {other}, only {', '.join(sorted(MAY_IMPORT[room])) or 'nothing'}"
    elif top in SCREEN and room != "gui":
        return f"only gui may import {top}"
    return None


SOURCES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", SOURCES, ids=[str(p.relative_to(PACKAGE)) for p in SOURCES])
def test_imports_follow_the_layers(path):
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    is_package = parts[-1] == "__init__"
    module = ".".join((ROOT, *(parts[:-1] if is_package else parts)))
    room = ROOT if parts == ("__init__",) else parts[0]
    assert room in MAY_IMPORT or room == ROOT, f"{room} is a new room: say in MAY_IMPORT what it may import"
    found = imports(path.read_text(), module, is_package)
    wrong = [f"{path.name}:{line}: {why}" for line, name in found if (why := complaint(room, name))]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("path", sorted(PACKAGE.glob("gui/**/*.py")), ids=lambda p: p.name)
def test_gui_uses_no_networks_or_optimisers(path):
    nodes = ast.walk(ast.parse(path.read_text()))
    used = {ast.unparse(node) for node in nodes if isinstance(node, ast.Attribute)}
    assert not used & set(COMPUTING)


@pytest.mark.parametrize(
    ("room", "source", "wrong"),
    [
        ("core", "from ..operators import ParallelBeam", True),
        ("core", "def f():\n    from napari_mlpatch import methods", True),
        ("core", "import napari_mlpatch as mp", True),
        ("core", "from .problem import Problem\nimport torch", False),
        ("core", "if TYPE_CHECKING:\n    from napari_mlpatch.noises import Noise", False),
        ("core", "if TYPE_CHECKING:\n    import napari", True),
        ("methods", "from napari_mlpatch.solvers.cg import cg", False),
        ("methods", "import superqt.utils", True),
        ("gui", "from napari_mlpatch.solvers import cg", True),
        ("gui", "import torch.nn.functional as F", True),
        ("gui", "import torch\nfrom qtpy.QtWidgets import QWidget\nimport napari_mlpatch as mp", False),
    ],
)
def test_the_rules_bite(room, source, wrong):
    found = imports(source, f"{ROOT}.{room}.example", is_package=False)
    assert any(complaint(room, name) for _, name in found) == wrong


def modules_after(code: str, cwd: Path) -> set[str]:
    """The top-level modules that a fresh interpreter has loaded after running `code`."""
    code += "\nimport sys; print(*{name.partition('.')[0] for name in sys.modules})"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split())


def test_importing_the_package_is_light(tmp_path):
    loaded = modules_after("import napari_mlpatch", tmp_path)
    assert "napari_mlpatch" in loaded
    assert not loaded & (SCREEN | {"torch"})


def test_reconstructing_needs_no_screen(tmp_path):
    code = """
import torch
import napari_mlpatch as mp

x = torch.zeros(1, 1, 32, 32)
x[..., 10:20, 8:24] = 1
A = mp.operators.ParallelBeam(image_shape=(32, 32), angles_deg=range(0, 180, 6), detector_count=46)
problem = mp.simulate(x, A, noise=mp.noise.Gaussian(relative=0.05), seed=0)
result = mp.reconstruct(problem, mp.methods.TV(weight=0.1), weights=None, seed=0)
assert result.x.shape == x.shape
"""
    assert not modules_after(code, tmp_path) & SCREEN


WRITES = re.compile(r"""\.write_(text|bytes)\(|open\([^)]*["'][wax]b?\+?["']|\.open\(["'][wax]|\.save\(str\(""")
IN_MEMORY = ("h5py.File(content", "/proc/self/clear_refs")
APPENDED = ('(folder / FAILURES).open("ab"',)
"""Notes of a line each, where what reads them passes over a torn one."""


def test_files_are_written_whole_or_not_at_all():
    """Whatever writes a file writes a temporary one, which `core.files` or `io.atomic` puts in its place; but notes."""
    lines = [
        f"{path.relative_to(PACKAGE)}:{number}: {line.strip()}"
        for path in sorted(PACKAGE.rglob("*.py"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if WRITES.search(line) and "temporary" not in line and not any(word in line for word in IN_MEMORY + APPENDED)
    ]
    assert not lines, "\n".join(lines)


def test_a_write_is_noticed():
    for line in ("Path(p).write_text(x)", 'open(path, "w", newline="")', 'p.open("wb")', "plot.save(str(p))"):
        assert WRITES.search(line), line


def test_contributing_names_all_rooms():
    text = (PACKAGE.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rooms = text.partition("The rooms of")[2].partition("What a change")[0]
    assert [room for room in MAY_IMPORT if room != ROOT and not re.search(rf"\b{room}\b", rooms)] == []
