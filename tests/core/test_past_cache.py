"""What is written past the system's cache is what was given, on every file system and when the disk is full."""

import errno
import mmap
import os

import numpy as np
import pytest

from napari_mlpatch.core import past_cache
from napari_mlpatch.core.past_cache import BLOCK, PastCache

SIZES = [(3,), (0,), (5, 7), (1, BLOCK // 4), (BLOCK, 3), (2,), (700, 1000), (1,)]


def pieces():
    random = np.random.default_rng(0)
    return [random.standard_normal(size).astype("<f4") for size in SIZES] + [np.arange(9, dtype="<u8")]


def opened_straight(path):
    """A file for PastCache that is written past the cache, in any case; skips where the file system has no O_DIRECT."""
    how = os.O_WRONLY | os.O_CREAT | os.O_DIRECT
    try:
        probe = os.open(path.with_name("probe"), how)
        try:
            os.write(probe, mmap.mmap(-1, BLOCK))
        finally:
            os.close(probe)
    except OSError as error:
        pytest.skip(f"the file system of the tests has no O_DIRECT: {error}")
    return os.open(path, how), True


def is_straight(number):
    import fcntl

    return bool(fcntl.fcntl(number, fcntl.F_GETFL) & os.O_DIRECT)


def written(path):
    parts = pieces()
    with PastCache(path, max(part.nbytes for part in parts)) as file:
        for part in parts:
            file.append(part)
    return b"".join(part.tobytes() for part in parts)


def test_a_file_is_its_pieces(tmp_path):
    expected = written(tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == expected


def test_an_array_is_written_as_it_is_indexed(tmp_path):
    values = np.arange(6 * 50 * 40, dtype="<f4").reshape(6, 50, 40)
    with PastCache(tmp_path / "file", values.nbytes) as file:
        file.append(values.swapaxes(0, 2))
    found = np.fromfile(tmp_path / "file", "<f4").reshape(40, 50, 6)
    assert np.array_equal(found, np.moveaxis(values, (2, 1, 0), (0, 1, 2)))


def test_longer_files_are_replaced(tmp_path):
    (tmp_path / "file").write_bytes(bytes(10**7))
    assert (tmp_path / "file").stat().st_size != len(expected := written(tmp_path / "file"))
    assert (tmp_path / "file").read_bytes() == expected


def test_systems_without_it_write_as_usual(tmp_path, monkeypatch):
    monkeypatch.delattr(os, "O_DIRECT", raising=False)
    assert written(tmp_path / "file") == (tmp_path / "file").read_bytes()


def test_a_file_system_that_says_so_when_it_is_opened(tmp_path, monkeypatch):
    direct = getattr(os, "O_DIRECT", 0)
    opened = os.open

    def refusing(path, how, *rest):
        if direct and how & direct:
            raise OSError(errno.EINVAL, "Invalid argument")
        return opened(path, how, *rest)

    monkeypatch.setattr(past_cache.os, "open", refusing)
    assert written(tmp_path / "file") == (tmp_path / "file").read_bytes()


@pytest.mark.skipif(not hasattr(os, "O_DIRECT"), reason="only on Linux")
def test_a_file_system_that_says_so_when_it_is_written(tmp_path, monkeypatch):
    write, refused, opened = os.write, [], opened_straight(tmp_path / "file")

    def refusing(number, values):
        if is_straight(number):
            refused.append(len(values))
            raise OSError(errno.EINVAL, "Invalid argument")
        return write(number, values)

    monkeypatch.setattr(past_cache.os, "write", refusing)
    monkeypatch.setattr(past_cache, "_opened", lambda path: opened)
    expected = written(tmp_path / "file")
    assert refused
    assert (tmp_path / "file").read_bytes() == expected


@pytest.mark.parametrize("most", [1, 1000, BLOCK + 1])
def test_writes_that_take_a_part_only_go_on(tmp_path, monkeypatch, most):
    write = os.write
    monkeypatch.setattr(past_cache, "_opened", lambda path: (os.open(path, os.O_WRONLY | os.O_CREAT), False))
    monkeypatch.setattr(past_cache.os, "write", lambda number, values: write(number, values[: 100 * most]))
    assert written(tmp_path / "file") == (tmp_path / "file").read_bytes()


@pytest.mark.skipif(not hasattr(os, "O_DIRECT"), reason="only on Linux")
@pytest.mark.parametrize("most", [BLOCK, 3 * BLOCK, 512, BLOCK + 512, BLOCK + 1])
def test_writes_past_the_cache_that_take_a_part_only_go_on(tmp_path, monkeypatch, most):
    """Parts of whole blocks go on past the cache; after others the rest is no whole block, and is written as usual."""
    import fcntl

    write, parts, opened = os.write, [], opened_straight(tmp_path / "file")

    def partly(number, values):
        straight, count = is_straight(number), min(most, len(values))
        parts.append((straight, len(values), count))
        flags = fcntl.fcntl(number, fcntl.F_GETFL)
        if straight and count % BLOCK:  # what a real one does of itself, where it can do no more
            fcntl.fcntl(number, fcntl.F_SETFL, flags & ~os.O_DIRECT)
        try:
            return write(number, values[:count])
        finally:
            fcntl.fcntl(number, fcntl.F_SETFL, flags)

    monkeypatch.setattr(past_cache, "_opened", lambda path: opened)
    monkeypatch.setattr(past_cache.os, "write", partly)
    expected = written(tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == expected
    straight, usual = ([part[1:] for part in parts if part[0] == so] for so in (True, False))
    assert straight and not any(length % BLOCK for length, _ in straight)
    assert not any(count % BLOCK for _, count in straight[:-1])
    if most % BLOCK:
        assert straight[-1][1] % BLOCK and usual[0][0] % BLOCK
    else:
        assert not straight[-1][1] % BLOCK and all(length < BLOCK for length, _ in usual)


def test_a_full_disk_is_told(tmp_path, monkeypatch):
    def full(number, values):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(past_cache.os, "write", full)
    with pytest.raises(OSError, match="No space left") as error:
        written(tmp_path / "file")
    assert error.value.errno == errno.ENOSPC


def test_after_an_error_nothing_more_is_written(tmp_path):
    with pytest.raises(ValueError, match="stop"), PastCache(tmp_path / "file", 100) as file:
        file.append(np.zeros(3, np.float32))
        raise ValueError("stop")
    assert (tmp_path / "file").stat().st_size == 0
