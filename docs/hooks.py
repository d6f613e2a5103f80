"""What mkdocs makes from the declarations while it builds the site: a page and a picture for each."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files
from PIL import Image

from napari_mlpatch.core.page import Page, page
from napari_mlpatch.core.registry import care_steps, denoisers, methods, noises, operators
from napari_mlpatch.explore.example import example

ROOT = Path(__file__).parents[1]
KINDS = {
    "operators": operators,
    "methods": methods,
    "noises": noises,
    "denoisers": denoisers,
    "care-steps": care_steps,
}
SHOWN = {"Operators": ("operators", "noises"), "Methods": ("methods", "denoisers")}
"""Tabs, and the kinds that stand in each: the first one by itself, others under their own heading."""
ALONE = ("care-steps",)
"""Kinds that have a page of their own for all of them, in the navigation of mkdocs.yml."""
ABOUT = {
    "operators": """# Operators

What is measured of an image x: `y = A x + n`. `A(x)`, the exact adjoint `A.T(y)`, `A.normal(x)` = AᵀA x and the quick
picture `A.pinv(y)` take and give tensors `[batch, channel, *space]`. The table of a page holds the parameters: of the
form in the window, of `--set NAME=VALUE` on the command line, and of the class in Python.
""",
    "methods": """# Methods

How a picture is made from the measurement. Every method works on every operator, but for filtered back-projection,
which needs CT, and learned reconstruction, which needs weights for the operator. What is left open ("from the noise")
is found from the data.
""",
    "noises": """# Noise

What is added to `A x` in a simulation, and what a method may know of it.
""",
    "denoisers": """# Denoisers

What stands as D in the plug-and-play methods and in `direct`: one that needs no training, or `network`, trained
weights.
""",
    "care-steps": """# Sinogram care

What is done to the line integrals of a CT scan before they are reconstructed, slice by slice or, where a step looks at
whole projections, with as many rows around a slice as it needs (its halo). Steps are done in the order in which they
are given; a good one is `outliers`, `dead-stripes`, `large-stripes`, `rings`, `paganin`, then `tilt` or `align-center`,
then `stitch`. On the command line: `mlpatch batch run ... --care outliers --care large-stripes:size=31,snr=4`. From
Python one slice is tried with

```python
import numpy as np
from napari_mlpatch.stacks import care

sinogram, angles_deg = np.random.default_rng(0).random((180, 256)), np.arange(180.0)
clean, geometry = care.apply(["outliers", {"name": "rings", "params": {"width": 31}}], sinogram, angles_deg)
```

Where the axis of rotation lies at each height, and how far it leans, is found from five slices or so, which are well
apart: `find_axis(sinograms, rows, angles_deg, count)` in `napari_mlpatch.stacks.care.axis_line` gives the line of the
centres, its `tilt_deg`, and which slices contradict it. After `tilt` it may be found once more and what is left added:
where the object changes much with height, the first angle is some percent too small.
""",
}


def on_config(config: Any) -> Any:
    """Fill the navigation: a page for each operator and method, one for all noise models, one for all denoisers."""
    for tab, (first, *others) in SHOWN.items():
        pages: list[Any] = [f"{first}/index.md"]
        pages += [{cls.title: f"{first}/{cls.name}.md"} for cls in KINDS[first]]
        pages += [{_heading(kind): f"{kind}.md"} for kind in others]
        next(item for item in config.nav if tab in item)[tab] = pages
    return config


def on_files(files: Files, config: Any) -> Files:
    """Add the generated pages, and the logo from its place."""
    files.append(File.generated(config, "logo.svg", content=(ROOT / "resources" / "logo.svg").read_bytes()))
    pictures = str(config.extra["pictures"]).lower() not in ("0", "false")
    for kind in [*(kind for _, *others in SHOWN.values() for kind in others), *ALONE]:
        text = "\n".join([ABOUT[kind], *(_below(page(cls)) for cls in KINDS[kind])])
        files.append(File.generated(config, f"{kind}.md", content=text))
    for kind, *_ in SHOWN.values():
        rows = [f"| [{cls.title}]({cls.name}.md) | `{cls.name}` | {_cell(page(cls).summary)} |" for cls in KINDS[kind]]
        table = "\n".join(["| | name | what it does |", "|---|---|---|", *rows])
        files.append(File.generated(config, f"{kind}/index.md", content=f"{ABOUT[kind]}\n\n{table}\n"))
        for cls in KINDS[kind]:
            shown = example(kind, cls.name) if pictures else None
            line = ""
            if shown is not None:
                png = io.BytesIO()
                Image.fromarray(shown.strip()).save(png, "PNG", optimize=True)
                files.append(File.generated(config, f"{kind}/{cls.name}.png", content=png.getvalue()))
                line = f"![{shown.caption}]({cls.name}.png)\n\n*{shown.caption}*"
            use = f"`mlpatch {USE[kind].format(cls.name)}` · `{_python(kind, cls)}`"
            files.append(
                File.generated(config, f"{kind}/{cls.name}.md", content=f"{page(cls).markdown(line)}\n{use}\n")
            )
    return files


USE = {"operators": "simulate --operator {} ...", "methods": "reconstruct ... --method {}"}


def _python(kind: str, cls: type) -> str:
    return f"mp.{kind}.{cls.__name__}({'...' if any(p.required for p in page(cls).parameters) else ''})"


def _heading(kind: str) -> str:
    return ABOUT[kind].partition("\n")[0].removeprefix("# ")


def _below(about: Page) -> str:
    """A page as a section of a longer one."""
    return about.markdown().replace("\n## ", "\n### ").replace("# ", "## ", 1)


def _cell(text: str) -> str:
    return text.replace("``", "`").replace("|", "\\|")
