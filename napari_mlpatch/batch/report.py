"""A benchmark as files: one HTML page that needs nothing else, tables as CSV, everything as JSON."""

from __future__ import annotations

import base64
import dataclasses
import html
import io
import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from napari_mlpatch import io as files
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.core.metrics import METRICS
from napari_mlpatch.core.recipe import installed_versions

from .benchmark import Compared, Run
from .folder import Folder
from .report_plots import convergence, spread_plot
from .sheet import limits_of, png
from .summary import Standing, keys_of, ranked_by, standings, written
from .sweep_files import as_csv

STYLE = """
body{font:15px/1.5 system-ui,sans-serif;color:#1c2126;max-width:1180px;margin:2em auto;padding:0 1em}
h1{font-size:1.6em;margin-bottom:.1em}
h2{font-size:1.15em;margin-top:2em}
p.about{color:#5a646e;margin-top:0}
table{border-collapse:collapse;font-size:.9em;font-variant-numeric:tabular-nums}
td,th{padding:.3em .6em;text-align:right;white-space:nowrap}
th{border-bottom:2px solid #1c2126;font-weight:600}
td{border-bottom:1px solid #dde2e6}
td:nth-child(2),th:nth-child(2){text-align:left;white-space:normal}
tr.first td{font-weight:600}
.best{color:#0a7d2c;font-weight:600}
.error{color:#a32020;font-size:.9em}
.row{display:flex;flex-wrap:wrap;gap:10px;margin:.6em 0}
figure{margin:0;width:190px}
figure img{width:100%;image-rendering:pixelated;background:#000;display:block}
figcaption{font-size:.82em;line-height:1.3;margin-top:.2em}
img.plot{max-width:100%}
pre{background:#f3f5f7;padding:1em;overflow:auto;font-size:.8em}
@media(prefers-color-scheme:dark){
body{background:#14181c;color:#dfe5ea}
th{border-color:#dfe5ea}
td{border-color:#333b43}
pre{background:#1e252b}
.best{color:#5fd38a}
.error{color:#ff8f8f}
img.plot{background:#fff}
p.about{color:#9aa5ae}
}
"""


def write_report(folder: Folder, compared: Compared) -> Path:
    """Write report.html, summary.csv, runs.csv and benchmark.json; gives the path of the page."""
    ranking = standings(compared.recipe, compared.runs)
    folder.write("summary.csv", as_csv(summary_rows(compared)))
    folder.write("runs.csv", as_csv(run_rows(compared)) if compared.runs else "")
    about = {
        "recipe": json.loads(compared.recipe.model_dump_json()),
        "ranked_by": ranked_by(compared.runs),
        "ranking": [_plain(dataclasses.asdict(one)) for one in ranking],
        "runs": [_plain(dataclasses.asdict(run)) for run in compared.runs],
        "versions": installed_versions(),
        "cancelled": compared.cancelled,
    }
    folder.write("benchmark.json", json.dumps(about, indent=1, allow_nan=False, ensure_ascii=False))
    return folder.write("report.html", page(folder, compared))


def summary_rows(compared: Compared) -> list[dict[str, Any]]:
    """A flat row for each method, the best first."""
    rows = []
    for one in standings(compared.recipe, compared.runs):
        row: dict[str, Any] = {"rank": one.rank, "method": one.title}
        for key, spread in one.figures.items():
            row |= {f"{key}_mean": spread.mean, f"{key}_sd": spread.sd}
        rows.append(row | {"seconds_mean": one.seconds.mean, "runs": one.seconds.n, "failed": one.failed})
    return [_plain(row) for row in rows]


def run_rows(compared: Compared) -> list[dict[str, Any]]:
    """A flat row for each run."""
    keys, recipe = keys_of(compared.runs), compared.recipe
    return [
        _plain(
            {"image": image_title(recipe.images[run.image]), "seed": run.seed}
            | {"method": recipe.methods[run.method].title}
            | {key: run.metrics.get(key) for key in keys}
            | {"iterations": run.iterations, "seconds": run.seconds, "error": run.error or None, "key": run.key}
        )
        for run in compared.runs
    ]


def page(folder: Folder, compared: Compared) -> str:
    """The whole report as one HTML page: ranked table, plots, pictures with errors, and the recipe."""
    recipe, runs = compared.recipe, compared.runs
    ranking, keys = standings(recipe, runs), keys_of(runs)
    noise = "no noise" if recipe.noise is None else f"{recipe.noise.name} noise {_words(recipe.noise.params)}".strip()
    about = (
        f"{len(recipe.images)} image(s) x {len(recipe.seeds)} noise seed(s) x {len(recipe.methods)} methods; operator "
        f"{recipe.operator.name} {_words(recipe.operator.params)}; {noise}"
    )
    head = METRICS.get(key).title if (key := ranked_by(runs)) else "nothing"
    parts = [
        f"<h1>{html.escape(recipe.title)}</h1><p class=about>{html.escape(about)}.<br>Ranked by {html.escape(head)}: "
        "mean ± standard deviation over all images and seeds. Times are of the machine that ran them.</p>",
        "<p class=error>Cancelled: this is what there was.</p>" if compared.cancelled else "",
        _table(ranking, keys, key),
    ]
    plots = [spread_plot(recipe, runs, ranking), convergence(recipe, runs, ranking)]
    images = [_img(png(figure), "plot") for figure in plots if figure is not None]
    parts += ["<h2>Spread and convergence</h2>", *images] if images else []
    for i, source in enumerate(recipe.images):
        parts.append(f"<h2>{html.escape(image_title(source))}</h2>")
        if len(recipe.images) > 1:
            parts.append(_table(standings(recipe, runs, i), keys, key))
        parts += _pictures(folder, compared, i, ranking)
    parts.append(f"<h2>Recipe</h2><pre>{html.escape(recipe.model_dump_json(indent=1))}</pre>")
    versions = ", ".join(f"{name} {number}" for name, number in installed_versions().items())
    parts.append(f"<p class=about>{html.escape(versions)}</p>")
    body = "\n".join(parts)
    return (
        f'<!doctype html><html lang=en><head><meta charset=utf-8><meta name=viewport content="width=device-width">'
        f"<title>{html.escape(recipe.title)}</title><style>{STYLE}</style></head><body>\n{body}\n</body></html>\n"
    )


def image_title(source: dict[str, Any]) -> str:
    """What an image is called."""
    name = source.get("name") or Path(str(source.get("path", "image"))).name
    size = (source.get("options") or {}).get("size")
    return f"{name}, {size} pixels" if size else str(name)


def _table(ranking: Iterable[Standing], keys: list[str], ranking_key: str | None) -> str:
    ranking = list(ranking)
    heads = "".join(f"<th>{html.escape(METRICS.get(key).heading)}</th>" for key in keys)
    rows = [f"<tr><th>#</th><th>method</th>{heads}<th>time / s</th><th>runs</th></tr>"]
    winners = {key: _winner(ranking, key) for key in keys}
    for one in ranking:
        cells = "".join(
            f"<td{' class=best' if winners[key] == one.method else ''}>{written(one.figures[key], key)}</td>"
            for key in keys
        )
        time = "-" if math.isnan(one.seconds.mean) else f"{one.seconds.mean:.3g}"
        wrong = "".join(f"<br><span class=error>{html.escape(text)}</span>" for text in one.errors)
        count = f"{one.seconds.n}" + (f", {one.failed} failed" if one.failed else "")
        first = " class=first" if one.rank == 1 and ranking_key else ""
        name = f"{html.escape(one.title)}{wrong}"
        rows.append(f"<tr{first}><td>{one.rank}</td><td>{name}</td>{cells}<td>{time}</td><td>{count}</td></tr>")
    return f"<table>{''.join(rows)}</table>"


def _winner(ranking: list[Standing], key: str) -> int | None:
    metric = METRICS.get(key)
    known = [one for one in ranking if one.figures[key].n]
    if not metric.ranks or len(known) < 2:
        return None
    return min(known, key=lambda one: metric.order(one.figures[key].mean)).method


def _pictures(folder: Folder, compared: Compared, image: int, ranking: list[Standing]) -> list[str]:
    """Truth and pictures of the first seed, all in one grey scale, and below them their errors."""
    recipe = compared.recipe
    runs = {run.method: run for run in compared.runs if run.image == image and run.seed == recipe.seeds[0]}
    try:
        truth = files.open_image(recipe.images[image])
    except InputError as error:
        return [f"<p class=error>{html.escape(str(error))}</p>"]
    pictures = {m: x for m, run in runs.items() if (x := _picture(folder, run, truth.shape)) is not None}
    low, high = limits_of([truth])
    shown = [_figure(truth, low, high, "truth")]
    errors = []
    worst = np.percentile(np.concatenate([np.abs(x - truth).ravel() for x in pictures.values()] or [[1.0]]), 99)
    for one in ranking:
        if one.method in pictures:
            x, run = pictures[one.method], runs[one.method]
            figures = [f"{METRICS.get(k).text(v)} {METRICS.get(k).unit}" for k, v in run.metrics.items() if k == "psnr"]
            figures += [f"SSIM {METRICS.get(k).text(v)}" for k, v in run.metrics.items() if k == "ssim"]
            shown.append(_figure(x, low, high, one.title, ", ".join(figures)))
            errors.append(_figure(np.abs(x - truth), 0.0, float(worst) or 1.0, one.title, "absolute error"))
    return [f"<div class=row>{''.join(shown)}</div>", f"<div class=row>{''.join(errors)}</div>"]


def _picture(folder: Folder, run: Run, shape: tuple[int, ...]) -> np.ndarray | None:
    """The picture of a run as it is shown; None where there is none, or of another size."""
    if run.error or not folder.is_own(f"{run.name}.tif"):
        return None
    try:
        x = files.read_image(folder.path / f"{run.name}.tif")[0]
    except InputError:
        return None
    x = np.abs(x) if np.iscomplexobj(x) else x
    while x.ndim > 2:
        x = x[0]
    return x if x.shape == tuple(shape) else None


def _figure(picture: np.ndarray, low: float, high: float, title: str, below: str = "") -> str:
    from PIL import Image

    scaled = np.clip((picture - low) / ((high - low) or 1.0), 0.0, 1.0)
    content = io.BytesIO()
    Image.fromarray((255 * scaled + 0.5).astype(np.uint8)).save(content, "PNG", optimize=True)
    text = "<br>".join(html.escape(line) for line in (title, below) if line)
    return f"<figure>{_img(content.getvalue())}<figcaption>{text}</figcaption></figure>"


def _img(content: bytes, kind: str = "") -> str:
    data = base64.b64encode(content).decode()
    return f'<img{f" class={kind}" if kind else ""} alt="" src="data:image/png;base64,{data}">'


def _words(params: dict[str, Any]) -> str:
    return ", ".join(f"{key} = {str(value)[:60]}" for key, value in params.items())


def _plain(value: Any) -> Any:
    """Plain JSON: None for what is no finite number."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
