"""Figures: the values that are drawn, the lengths that are written, and what the files hold."""

import base64
import io as memory
import itertools
import json
import re

import matplotlib
import numpy as np
import pytest
from PIL import Image

import napari_mlpatch as mp
from napari_mlpatch import io
from napari_mlpatch.batch.panels import panels_of
from napari_mlpatch.cli import main
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.figures import Panel, draw, nice_length, style, write_figure


def picture(seed=0, shape=(24, 32)):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def three(**more):
    return [Panel(picture(i), f"method {i}", ("PSNR 30.00 dB",), picture(i + 9), **more) for i in range(3)]


def axes_of(figure, name):
    return [axes for axes in figure.axes if axes.get_label().startswith(name)]


def drawn(svg):
    """The pictures that an SVG file holds, as uint8 ``[rows, columns, 4]``."""
    found = re.findall(r'"data:image/png;base64,([^"]+)"', svg)
    images = [Image.open(memory.BytesIO(base64.b64decode(text))) for text in found]
    return [np.asarray(image.convert("RGBA")) for image in images]


def test_each_pixel_is_in_the_file_in_its_own_colour(tmp_path):
    panels = three()
    figure = draw(panels, style(low=-1.5, high=2.0, colormap="viridis", color_bar=False))
    write_figure(tmp_path / "f.svg", figure)
    found = drawn((tmp_path / "f.svg").read_text())
    assert len(found) == 3
    for panel, pixels in zip(panels, found, strict=True):
        colours = matplotlib.colormaps["viridis"](np.clip((panel.picture + 1.5) / 3.5, 0, 1), bytes=True)
        pixels = pixels if pixels.shape == colours.shape else None
        assert pixels is not None and np.abs(pixels.astype(int) - colours).max() <= 2  # next colour of 256


def test_all_pictures_share_their_colours_and_one_bar():
    figure = draw(three(), style(color_label="density / g cm⁻³"))
    images = [axes.images[0] for axes in axes_of(figure, "picture")]
    assert len({image.get_clim() for image in images}) == 1
    assert images[0].get_clim() == pytest.approx(np.percentile(picture(0), (0.5, 99.5)))
    (bar,) = axes_of(figure, "colour bar")
    assert bar.get_ylim() == pytest.approx(images[0].get_clim()) and bar.get_ylabel() == "density / g cm⁻³"
    for image, panel in zip(images, three(), strict=True):
        assert np.array_equal(image.get_array(), panel.picture)


@pytest.mark.parametrize(
    ("scale", "unit", "length", "text"), [(0.5, "millimeter", 2.0, "2 mm"), (3.0, "″", 20.0, "20″")]
)
def test_the_scale_bar_is_as_long_as_it_says(scale, unit, length, text):
    figure = draw(three(), style(), scale=(scale, scale), unit=unit)
    first, *others = axes_of(figure, "picture")
    (bar,) = [patch for patch in first.patches if patch.get_gid() == "scale bar"]
    assert not any(axes.patches for axes in others), "one bar is enough"
    shares = bar.get_window_extent().width / first.get_window_extent().width
    assert shares * 32 * scale == pytest.approx(length) and first.texts[0].get_text() == text


def test_no_bar_without_a_unit_and_no_bar_longer_than_the_picture():
    assert not axes_of(draw(three(), style()), "picture")[0].patches
    with pytest.raises(InputError, match="longer than the picture, 32 mm"):
        draw(three(), style(bar_length=40), unit="mm")


@pytest.mark.parametrize(("width", "length"), [(10, 2), (1.0, 0.2), (7, 2), (0.034, 0.01), (4096, 1000)])
def test_lengths_of_bars_are_round(width, length):
    assert nice_length(width) == pytest.approx(length)


@pytest.mark.parametrize("scale", [(1.0, 1.0), (0.5, 2.0)])
def test_width_and_pixels_have_the_right_proportions(scale):
    figure = draw(three(), style(width="ieee-single"), scale=scale)
    assert 25.4 * figure.get_size_inches()[0] == pytest.approx(88.9)
    for axes in axes_of(figure, "picture"):
        box = axes.get_window_extent()
        assert box.height / box.width == pytest.approx(24 * scale[0] / (32 * scale[1]))


def test_texts_do_not_lie_over_pictures_nor_leave_the_figure():
    chosen = style(error_row=True, letters=True, columns=2, color_label="value")
    figure = draw(three(), chosen)
    figure.canvas.draw()
    boxes = [axes.get_window_extent() for axes in axes_of(figure, "picture") + axes_of(figure, "error")]
    assert len(boxes) == 6
    for text in figure.texts:
        here = text.get_window_extent()
        assert not any(here.overlaps(box) for box in boxes), text.get_text()
        assert here.x0 >= 0 and here.y0 >= 0 and here.y1 <= figure.bbox.height
    for bar in axes_of(figure, "colour bar"):
        box = bar.get_tightbbox()
        assert box.x1 <= figure.bbox.width and not any(box.overlaps(other) for other in boxes)


def test_the_inset_shows_the_region_that_is_framed():
    figure = draw(three(), style(inset="4:12,20:26", inset_corner="upper left"), scale=(0.5, 0.5))
    for i, axes in enumerate(axes_of(figure, "inset")):
        assert np.array_equal(axes.images[0].get_array(), picture(i)[4:12, 20:26])
        box, outer = axes.get_window_extent(), axes_of(figure, "picture")[i].get_window_extent()
        assert box.height / box.width == pytest.approx(8 / 6)
        assert (box.x0, box.y1) == pytest.approx((outer.x0, outer.y1))
    frame = axes_of(figure, "picture")[0].patches[0]
    assert frame.get_bbox().bounds == pytest.approx((10, 2, 3, 4))
    with pytest.raises(InputError, match="24 x 32"):
        draw(three(), style(inset="4:30,0:8"))


def test_errors_are_signed_and_share_a_limit():
    figure = draw(three(), style(error_row=True))
    images = [axes.images[0] for axes in axes_of(figure, "error")]
    assert [np.array_equal(image.get_array(), picture(i + 9)) for i, image in enumerate(images)] == [True] * 3
    low, high = images[0].get_clim()
    assert low == -high and len({image.get_clim() for image in images}) == 1 and len(axes_of(figure, "colour bar")) == 2


@pytest.mark.parametrize("suffix", [".pdf", ".svg", ".png"])
def test_files(tmp_path, suffix):
    panels = three(about={"recipe": {"seed": 3}})
    path = tmp_path / f"f{suffix}"
    write_figure(path, draw(panels, style(width_mm=50)), panels, dpi=254)
    content = path.read_bytes()
    write_figure(path, draw(panels, style(width_mm=50)), panels, dpi=254, force=True)
    assert path.read_bytes() == content, "the same figure, the same bytes"
    with pytest.raises(InputError, match="there already"):
        write_figure(path, draw(panels))
    if suffix == ".png":
        with Image.open(path) as image:
            assert image.width == 500 and json.loads(image.info["Description"])[0]["recipe"] == {"seed": 3}
    if suffix == ".pdf":
        assert b"/FontFile2" in content and b"/Type3" not in content, "whole TrueType fonts"
    if suffix == ".svg":
        assert b"<text" not in content and b"recipe" in content


def test_labels_are_not_taken_for_mathematics(tmp_path):
    label = "5$ and \\alpha_$"
    figure = draw([Panel(picture(), label)])
    write_figure(tmp_path / "f.svg", figure)
    assert [text.get_parse_math() for text in figure.texts if label in text.get_text()] == [False]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: draw([]), "at least one"),
        (lambda: draw([Panel(picture()), Panel(picture(shape=(8, 8)))]), "24 x 32, 8 x 8"),
        (lambda: Panel(picture() * 1j), "complex"),
        (lambda: Panel(picture(shape=(2, 3, 4))), "one slice"),
        (lambda: Panel(picture(), error=picture(shape=(3, 3))), "error"),
        (lambda: draw([Panel(np.full((4, 4), np.nan))]), "no finite"),
        (lambda: draw(three(), scale=(1.0, 0.0), unit="mm"), "positive"),
        (lambda: style(inset="3,4"), "40:72"),
        (lambda: style(wide=3), "wide"),
        (lambda: style(low=2, high=1), "low must be below high"),
        (lambda: write_figure("x.gif", draw(three())), "does not end in"),
    ],
)
def test_bad_input(make, words):
    with pytest.raises(InputError, match=words):
        make()


def test_from_result_files(workdir, capsys):
    problem = mp.io.samples.problem("shepp-logan-30")
    for name, method in (("a.tif", mp.methods.FBP()), ("b.h5", mp.methods.Tikhonov(iterations=3))):
        io.write_result(name, mp.reconstruct(problem, method), pixel_size=0.25, unit="mm")
    found = panels_of(["a.tif", "b.h5"])
    assert [panel.label for panel in found.panels] == ["truth", "FBP", "Tikhonov"]
    assert (found.scale, found.unit) == ((0.25, 0.25), "mm")
    values = mp.reconstruct(problem, mp.methods.FBP()).metrics
    assert found.panels[1].lines == (f"PSNR {values['psnr']:.2f} dB", f"SSIM {values['ssim']:.4f}")
    truth, fbp = found.panels[:2]
    assert np.allclose(fbp.error, fbp.picture - truth.picture)
    words = ["figure", "a.tif", "b.h5", "--out", "f.pdf", "--error-row", "--inset", "60:90,50:80", "--width", "slide"]
    assert main([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["width_mm"] == pytest.approx(254)
    assert main(words) == 2 and "there already" in capsys.readouterr().err
    assert main([*words[:5], "--force", "--label", "only one"]) == 2


def test_a_figure_does_not_tell_where_the_data_lay(workdir, monkeypatch):
    A = mp.operators.Inpainting(image_shape=(9, 10))
    io.write_measurement("secret_place.h5", mp.Problem(A, picture(shape=(9, 10))))
    io.write_result("x.tif", mp.reconstruct(io.read_measurement("secret_place.h5"), mp.methods.TV(iterations=2)))
    found = panels_of(["x.tif"], metrics=["relative_residual"])
    write_figure("f.svg", draw(found.panels), found.panels)
    text = (workdir / "f.svg").read_text()
    assert "secret_place" not in text and "inpainting" in text
    (workdir / "secret_place.h5").unlink()
    again = panels_of(["x.tif"]).panels[0]
    assert np.array_equal(again.picture, found.panels[0].picture) and not again.lines, "the picture alone"


def test_long_labels_stay_over_their_picture():
    """In two lines first, then all smaller, then ended by dots; measured by Matplotlib's own renderer."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    names = ["TV", "Learned primal-dual, body", "MLPatch-ADMM gray-small iterations=4, falling=3, trust=0.7 and more"]
    figure = draw([Panel(picture(i, (24, 24)), name) for i, name in enumerate(names)], style(columns=3, width_mm=90))
    renderer = FigureCanvasAgg(figure).get_renderer()
    labels = [text for text in figure.texts if str(text.get_gid()).startswith("label")]
    boxes = [text.get_window_extent(renderer) for text in labels]
    assert all(left.x1 <= right.x0 for left, right in itertools.pairwise(boxes))
    assert boxes[0].x0 >= 0 and boxes[-1].x1 <= figure.bbox.width
    written = [text.get_text() for text in labels]
    assert written[0] == "TV" and written[1].split("\n") == ["Learned", "primal-dual, body"]
    assert written[2].count("\n") == 1 and written[2].endswith("…"), "two lines, of which the end does not fit"
    assert len({text.get_size() for text in labels}) == 1 and labels[0].get_size() == 0.75 * style().font_size
    tops = [np.array(text.get_window_extent(renderer))[1, 1] for text in labels]
    assert max(tops) <= figure.bbox.height, "there is room for two lines above the pictures"
    (plain,) = draw([Panel(picture(0, (24, 24)), "TV")], style(columns=1, width_mm=90)).texts
    assert plain.get_size() == style().font_size
