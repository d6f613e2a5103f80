"""Names on pictures: short, and no two alike."""

from __future__ import annotations

from types import SimpleNamespace

import napari_mlpatch as mp
from napari_mlpatch.workbench.captions import caption, figure, lines, names
from napari_mlpatch.workbench.named import WIDEST, Named


def test_only_the_settings_that_differ_are_named():
    methods = [
        mp.methods.FBP(window="hann"),
        mp.methods.TV(iterations=20),
        mp.methods.TV(iterations=20, weight=0.3),
        mp.methods.TV(iterations=20, weight=0.3, norm="anisotropic", nonnegative=True, tolerance=0.0125),
    ]
    made = [SimpleNamespace(id=i, named=Named.of(method)) for i, method in enumerate(methods)]
    found = names(made)
    assert found[0] == "FBP" and found[1] == "TV" and found[2] == "TV weight=0.3"
    assert len(found[3]) <= WIDEST and found[3].startswith("TV weight=0.3, norm") and found[3].endswith("…")
    assert len(set(found.values())) == 4


def test_learned_methods_are_called_like_their_algorithm():
    weights = {name: mp.weights.find(name) for name in ("lpd-adler", "lgd-adler", "deq-admm-ct-body", "unet-adler")}
    unrolled, equilibrium = mp.methods.Unrolled(), mp.methods.DeepEquilibrium()
    named = [
        Named.of(unrolled, weights["lpd-adler"]),
        Named.of(mp.methods.Unrolled(iterations=5), weights["lpd-adler"]),
        Named.of(unrolled, weights["lgd-adler"]),
        Named.of(equilibrium, weights["deq-admm-ct-body"]),
        Named.of(mp.methods.UNet(), weights["unet-adler"]),
        Named.of(unrolled),
    ]
    assert [one.short for one in named[2:]] == [
        "Learned gradient descent adler",
        "DE-ADMM ct-body",
        "U-Net adler",
        "Unrolled",
    ]
    assert named[0].title == "Learned primal-dual lpd-adler"
    assert named[1].title == "Learned primal-dual lpd-adler, iterations=5"
    found = names([SimpleNamespace(id=i, named=one) for i, one in enumerate(named)])
    assert found == {
        0: "Learned primal-dual adler",
        1: "LPD iterations=5",
        2: "LGD adler",
        3: "DE-ADMM ct-body",
        4: "U-Net adler",
        5: "Unrolled",
    }
    alike = ("lgd-adler", "lgd-adler-none", "lgd-adler-data")
    short = names([SimpleNamespace(id=n, named=Named.of(unrolled, mp.weights.find(n))) for n in alike])
    assert len(set(short.values())) == len(alike) and all(len(text) <= WIDEST for text in short.values())


def test_settings_say_no_word_of_python():
    method = mp.methods.PnPADMM(iterations=4, averaging=True, sigma=0.1)
    assert sorted(Named.of(method).settings.split(", ")) == ["averaging", "iterations=4", "sigma=0.1"]
    assert Named.of(mp.methods.TV(nonnegative=True)).title == "TV nonnegative"


def test_where_there_is_little_room_the_first_figure_stays_below_what_fits_of_the_name():
    name, figures = "MLPatch-ADMM ct-small", "33.12 dB, 0.912"
    assert caption(name, figures) == "MLPatch-ADMM ct-small: 33.12 dB, 0.912"
    assert caption(name, figures, 31) == "MLPatch-ADMM ct-small: 33.12 dB"
    assert caption(name, figures, 22) == "MLPatch-ADMM ct-small: 33.12 dB", "the name has a line of its own"
    assert caption(name, figures, 20) == "MLPatch-ADMM: 33.12 dB", "the weights are no one's doubt"
    assert caption(name, figures, 20, [name, "MLPatch-ADMM ct"]) == "MLPatch-ADMM ct-sma…: 33.12 dB"
    assert caption(name, figures, 9) == "MLPatch-…: 33.12 dB"
    assert caption("TV", "", 20) == "TV" and caption("MLPatch-ADMM", "", 8) == "MLPatch…"
    assert caption("Tikhonov", "error", 1) == "Tik…: error", "something of the name stays"


def test_lines_of_a_caption():
    assert lines("MLPatch-ADMM: 33.12 dB", 22) == ["MLPatch-ADMM: 33.12 dB"]
    assert lines("MLPatch-ADMM: 33.12 dB", 21) == ["MLPatch-ADMM", "33.12 dB"]
    assert lines("a: b: 33.12 dB", 3) == ["a: b", "33.12 dB"] and lines("truth", 2) == ["truth"]


def test_names_that_begin_alike_keep_the_end_in_which_they_differ():
    both = ["Unrolled lpd-adler", "Unrolled lgd-adler", "TV"]
    assert [caption(name, "36.24 dB", 10, both) for name in both] == [
        "…lpd-adler: 36.24 dB",
        "…lgd-adler: 36.24 dB",
        "TV: 36.24 dB",
    ]
    assert caption(both[0], "36.24 dB", 10, ["TV"]) == "Unrolled: 36.24 dB", "none is like it"
    for room in range(6, 40):
        short = [caption(name, "36.24 dB", room, both) for name in both]
        assert len(set(short)) == 3
        assert all(len(line) <= max(room, 8) for text in short for line in lines(text, room))
    weights = ["TV weight=0.1", "TV weight=0.2"]
    assert [caption(name, "9 dB", 8, weights) for name in weights] == ["…ght=0.1: 9 dB", "…ght=0.2: 9 dB"]
    alike = ["TV weight=0.1", "TV weight=0.1 iterations=9"]
    assert len({caption(name, "9 dB", 15, alike) for name in alike}) == 2


def test_algorithms_have_their_short_names_where_there_is_little_room():
    others = ["Learned primal-dual adler", "Learned gradient descent adler", "Unrolled proximal gradient ct-body"]
    short = [caption(name, "36.24 dB, 0.963", 14, others) for name in others]
    assert short == ["LPD adler: 36.24 dB", "LGD adler: 36.24 dB", "Unrolled prox: 36.24 dB"]
    assert caption(others[0], "36.24 dB", 60, others) == "Learned primal-dual adler: 36.24 dB"
    assert [caption(name, "error", 6, others) for name in others] == ["LPD: error", "LGD: error", "Unrol…: error"]


def test_a_job_without_a_picture_of_its_own_says_what_stands_in_its_place():
    job = SimpleNamespace(active=True, frame=None)
    entry = SimpleNamespace(job=job, result=None, region={})
    assert figure(entry) == "quick preview"
    job.frame = "an iterate"
    assert figure(entry) == ""
    job.frame, job.active = None, False
    assert figure(entry) == "", "it has ended without one"
