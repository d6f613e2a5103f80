"""Who computes a stack, as the window asks for it, and pictures that come later."""

import threading
from pathlib import Path

import numpy as np
import pytest

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.gui.plumbing.later import KEPT, Later, looked_through
from napari_mlpatch.gui.stacks.where_box import WhereBox
from napari_mlpatch.stacks.opened import Opened
from napari_mlpatch.stacks.planes import Planes
from napari_mlpatch.workbench.stacks import PREPARING, Stacks, Where
from tests.gui.test_window import wait_for


def test_the_box_says_who_computes(qtbot):
    box = WhereBox()
    qtbot.addWidget(box)
    assert box.where() == Where() and box.workers.isHidden() and box.address.isHidden()
    box.kind.setCurrentIndex(box.kind.findData("workers"))
    box.workers.setValue(3)
    assert box.where() == Where(workers=3) and not box.workers.isHidden()
    box.kind.setCurrentIndex(box.kind.findData("scheduler"))
    box.address.setText(" tcp://127.0.0.1:9 ")
    assert box.where() == Where(scheduler="tcp://127.0.0.1:9") and box.workers.isHidden()


@pytest.mark.parametrize(
    ("where", "told"),
    [
        (Where(scheduler=""), "Give the address of the scheduler"),
        (Where(scheduler="tcp://127.0.0.1:9"), "No Dask scheduler answers at tcp://127.0.0.1:9"),
    ],
)
def test_a_scheduler_that_is_not_there_is_told(where, told, monkeypatch):
    from napari_mlpatch.stacks.executors import cluster

    monkeypatch.setattr(cluster, "ANSWER", 0.2)
    heard = threading.Event()
    stacks = Stacks(lambda tell: (tell(), heard.set()))
    stacks.start(None, "scan.h5", "volume.zarr", where=where)  # type: ignore[arg-type]  before the recipe is looked at
    assert stacks.preparing == (where.words or PREPARING)
    assert heard.wait(60)
    assert told in stacks.message and not stacks.running


def test_pictures_come_later():
    x, asked, shown, all_at_once = np.random.default_rng(0).random((40, 3, 4), np.float32), [], [], [False]
    later = Later(x.shape, x.__getitem__, lambda work, then: asked.append((work, then)), lambda: all_at_once[0])
    later.shown = lambda: shown.append(1)
    np.testing.assert_array_equal(later[5], x[5])  # there is nothing else to show yet
    np.testing.assert_array_equal(later[6], x[5])
    ((work, then),) = asked
    then(work())
    assert shown == [1]
    np.testing.assert_array_equal(later[6], x[6])
    np.testing.assert_array_equal(later[30], x[6])
    all_at_once[0] = True
    for k in range(len(x)):
        np.testing.assert_array_equal(later[k], x[k])
    assert len(later._kept) == KEPT


def test_the_last_picture_stays_though_others_are_kept():
    x = np.random.default_rng(0).random((40, 3, 4), np.float32)
    later = Later(x.shape, lambda index: (locked.append(later._lock.locked()), x[index])[1], lambda *_: None, bool)
    locked: list[bool] = []
    np.testing.assert_array_equal(later[5], x[5])
    for k in range(6, 7 + KEPT):
        later.keep(k)
    np.testing.assert_array_equal(later[39], x[5])
    assert len(locked) == KEPT + 2 and not any(locked)  # nobody waits while a picture is read


def test_pictures_are_kept_while_others_are_asked_for():
    """The first one that was read is shown until the one that is asked for is there."""
    x, asked = np.random.default_rng(0).random((40, 3, 4), np.float32), []
    later = Later(x.shape, x.__getitem__, lambda *one: asked.append(one), lambda: False)
    later.keep(20)
    np.testing.assert_array_equal(later[0], x[20])
    worker = threading.Thread(target=lambda: [later.keep(k % 40) for k in range(4000)])
    worker.start()
    while worker.is_alive():
        for k in range(40):
            assert later[k].shape == (3, 4)
    worker.join()
    assert asked and len(later._kept) == KEPT


def test_a_damaged_picture_is_told():
    def read(index):
        raise InputError(f"Slice {index} is damaged")

    later = Later((3, 2, 2), read, lambda work, then: None, lambda: False)
    with pytest.raises(InputError, match="Slice 1"):
        later[1]


def test_what_grows_is_read_again_off_the_windows_thread_and_drawn_only_where_it_changed():
    x, asked, shown = np.zeros((6, 3, 4), np.float32), [], []
    later = Later(x.shape, lambda index: x[index].copy(), lambda *one: asked.append(one), lambda: False)
    later.shown = lambda: shown.append(1)
    assert not later[2].any() and not asked
    x[4] = 1.0
    later.renew([4])
    assert not asked, "nobody looks at it"
    later.renew([2, 3])
    ((work, then),) = asked
    then(work())
    assert not shown, "it is what it was"
    x[2] = 2.0
    later.renew()
    assert not later[2].any() and len(asked) == 3, "the one before stays until it is there"
    work, then = asked[-1]
    then(work())
    assert shown == [1] and (later[2] == 2.0).all()


def test_only_what_is_looked_at_may_come_later():
    """Who reads many pictures, or another one than that on show, gets them as they are."""
    x = np.random.default_rng(0).random((6, 4, 5), np.float32)
    later = Later(x.shape, x.__getitem__, lambda *one: None, lambda: False)
    later.looked_at = lambda index: index == 3
    later.keep(0)
    data = looked_through(Planes(x.shape, x.__getitem__), later)
    every, part = slice(None), (slice(1, 3), slice(0, 2))
    np.testing.assert_array_equal(data[3, every, every], x[0])
    np.testing.assert_array_equal(data[(every, *part)][3, every, every], x[0][part])
    np.testing.assert_array_equal(np.asarray(data), x)
    np.testing.assert_array_equal(np.asarray(data[3:4]), x[3:4])
    np.testing.assert_array_equal(np.asarray(data[(every, *part)]), x[(every, *part)])
    np.testing.assert_array_equal(np.asarray(data[2]), x[2])
    np.testing.assert_array_equal(np.asarray(data[np.array([0, 2])]), x[[0, 2]])
    np.testing.assert_array_equal(np.asarray(data[every, np.array([0, 2])]), x[:, [0, 2]])


def changing():
    """Zeros, who reads them later, what was asked for, and how often it was shown."""
    x, asked, shown = np.zeros((40, 3, 4), np.float32), [], []
    later = Later(x.shape, lambda index: x[index].copy(), lambda *one: asked.append(one), lambda: False)
    later.shown = lambda: shown.append(1)
    assert not later[2].any() and not asked
    return x, later, asked, shown


def test_a_picture_whose_first_answer_was_dropped_is_shown_by_the_second():
    x, later, asked, shown = changing()
    x[2] = 1.0
    later.renew([2])
    later.renew([2])
    (first, _), (second, then) = asked
    first()  # a newer call has come
    then(second())
    assert shown == [1] and (later[2] == 1.0).all()


def test_a_picture_that_was_read_for_its_limits_is_shown():
    x, later, asked, shown = changing()
    x[2] = 1.0
    later.renew([2])
    later.keep(2)
    ((work, then),) = asked
    then(work())
    assert shown == [1]


def test_a_picture_that_is_written_while_it_is_read_is_read_again():
    x, later, asked, shown = changing()
    assert not later[3].any()
    before = asked.pop()[0]()
    x[3] = 1.0
    later.renew([3])
    asked.clear()
    later._ask(3)
    asked[0][1](before)
    assert not shown and len(asked) == 2, "it looks like what is there"
    work, then = asked[-1]
    then(work())
    assert shown == [1] and (later[3] == 1.0).all()


def test_one_on_show_that_is_not_kept_any_more_is_read_again():
    x, later, asked, shown = changing()
    for k in range(3, 4 + KEPT):
        later.keep(k)
    later.renew([5])
    assert not asked
    x[2] = 1.0
    later.renew([2])
    work, then = asked[-1]
    then(work())
    assert shown == [1]


def test_what_was_used_last_stays():
    _, later, asked, _ = changing()
    for k in range(3, 2 + KEPT):
        later.keep(k)
    later[2], later.keep(3)
    later.keep(30), later.keep(31)
    assert {2, 3} <= set(later._kept) and not {4, 5} & set(later._kept) and not asked


@pytest.fixture
def volume(session, tmp_path):
    """Zeros on the canvas, as of a run that has just begun, and a way to end it."""
    x = np.zeros((6, 8, 9), np.float32)
    planes = Planes(x.shape, lambda index: x[index].copy())

    def show(complete):
        opened = Opened(Path(tmp_path / "volume.zarr"), (planes,), (0.5, 1.0, 1.0), "", complete, {})
        list(session.volumes._show(opened, session.volumes.made(opened, (0.0, 9.0))))
        (layer,) = session.volumes.find(opened.path)
        return layer

    return x, show


def test_the_end_of_a_run_is_seen_in_the_layer_that_is_there(volume, qtbot):
    x, show = volume
    layer = show(False)
    assert not layer._data_view.any()
    x[:] = 7.0
    assert show(True) is layer and layer.name == "volume"
    wait_for(qtbot, lambda: (layer._data_view == 7.0).all())


def test_nobody_gets_the_picture_of_a_neighbour(volume, session, qtbot):
    x, show = volume
    x[:] = np.arange(6)[:, None, None]
    layer = show(True)
    session.viewer.dims.set_current_step(0, 2)
    wait_for(qtbot, lambda: (layer._data_view == 2.0).all())
    for k in (1, 3, 2):
        assert (np.asarray(layer.data[k]) == k).all()
    session.viewer.add_image(np.zeros((20, 8, 9)), translate=(-2.0, 0, 0), scale=(0.5, 1, 1))  # its first is another
    layer.refresh()
    for k in range(6):
        assert (np.asarray(layer.data[k]) == k).all()


def test_two_layers_of_one_output_are_both_drawn(volume, session, qtbot):
    x, show = volume
    x[:] = np.arange(6)[:, None, None]
    first = show(True)
    planes = Planes(x.shape, lambda index: x[index].copy())
    opened = Opened(Path(first.metadata["mlpatch"]["path"]), (planes,), (0.5, 1.0, 1.0), "", True, {})
    second = session.volumes.made(opened, (0.0, 9.0))
    session.viewer.add_layer(second)
    for step in (4, 2):
        session.viewer.dims.set_current_step(0, step)
        for layer in (first, second):
            wait_for(qtbot, lambda layer=layer: (layer._data_view == step).all())  # noqa: B023
