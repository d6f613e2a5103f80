"""The letters of captions are drawn while nothing happens, not when the first picture comes."""

from qtpy.QtCore import QTimer

from napari_mlpatch.gui.plumbing import letters


def font_of(viewer):
    info = viewer.window._qt_viewer.canvas.font_info()
    return info.font_manager.get_font(info.face)


def ticks(qtbot, count=5):
    """Wait until a timer like the one that draws, begun later, has fired so often: so has that one."""
    seen, timer = [], QTimer()
    timer.timeout.connect(lambda: seen.append(1))
    timer.start(letters.EACH_MS)
    qtbot.waitUntil(lambda: len(seen) >= count, timeout=60_000)
    timer.stop()


def test_letters_are_drawn_before_they_are_needed(make_napari_viewer, qtbot, monkeypatch):
    monkeypatch.setattr(letters, "EACH_MS", 1)
    viewer = make_napari_viewer(show=True)
    letters.draw_soon(viewer)
    font = font_of(viewer)
    qtbot.waitUntil(lambda: set(letters.WANTED) <= set(font._glyphs), timeout=60_000)


def test_nothing_is_drawn_in_a_hidden_window(make_napari_viewer, qtbot, monkeypatch):
    monkeypatch.setattr(letters, "EACH_MS", 1)
    monkeypatch.setattr(letters, "WANTED", "Q")
    viewer = make_napari_viewer()
    letters.draw_soon(viewer)
    ticks(qtbot)
    assert "Q" not in font_of(viewer)._glyphs


def test_a_window_that_closes_before(make_napari_viewer, qtbot, monkeypatch):
    """Or while they are drawn: nothing is raised, which pytest-qt would tell."""
    monkeypatch.setattr(letters, "EACH_MS", 1)
    viewer, other = make_napari_viewer(show=True), make_napari_viewer()
    letters.draw_soon(viewer)
    font = font_of(viewer)
    before = len(font._glyphs)
    qtbot.waitUntil(lambda: len(font._glyphs) > before, timeout=60_000)
    for each in (viewer, other):
        each.close()
    letters.draw_soon(other)
    ticks(qtbot)
