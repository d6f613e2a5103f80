"""Lengths of 1e-300 or 1e20 and sizes of terabytes: InputError at once, before anything is allocated."""

import warnings

import pytest
import torch

import napari_mlpatch as mp
from napari_mlpatch.core import budget
from napari_mlpatch.core.declare import build, parameters
from napari_mlpatch.core.registry import operators

LENGTHS = (5e-324, 1e-20, 1e9, 1e20, 1.7e308)


def cases():
    for cls in operators:
        if cls.in_forms:
            yield from ((cls, p.name) for p in parameters(cls) if p.kind == "float")


@pytest.mark.parametrize(("cls", "name"), list(cases()), ids=lambda v: getattr(v, "name", v))
def test_lengths(cls, name, monkeypatch):
    monkeypatch.setenv(budget.VARIABLE, "0.1")
    for value in LENGTHS:
        try:
            A = build(operators, {"name": cls.name, "params": {**cls.suggest((12, 12)), name: value}})
            y = A(torch.ones(1, 1, *A.domain_shape))
            A.T(y)
            A.pinv(y)
        except mp.InputError as error:
            assert len(str(error)) > 30


@pytest.mark.parametrize("angles", ["0:1e300:5", [0.0, 1e20], [1e308] * 3])
@pytest.mark.parametrize("cls", [mp.operators.ParallelBeam, mp.operators.FanBeam])
def test_angles(cls, angles):
    with pytest.raises(mp.InputError, match="angles must be within"):
        cls(**{**cls.suggest((12, 12)), "angles_deg": angles})


@pytest.mark.parametrize("angles", ["0:inf:90", "nan:180:4", "-inf:inf:3", "-1.7e308:1.7e308:5"])
def test_ranges_without_an_end(angles):
    with warnings.catch_warnings(), pytest.raises(mp.InputError, match="finite, stop excluded"):
        warnings.simplefilter("error")
        mp.operators.ParallelBeam(image_shape=(12, 12), angles_deg=angles, detector_count=18)


@pytest.mark.parametrize("name", ["detector_pitch", "pixel_size"])
@pytest.mark.parametrize("length", [1e300, 1e155, 1e100, 1e13, 1e-13, 1e-40, 1e-200])
@pytest.mark.parametrize("cls", [mp.operators.ParallelBeam, mp.operators.FanBeam])
def test_lengths_beyond_any_unit(cls, name, length):
    with pytest.raises(mp.InputError, match=f"{name}: lengths are from 1e-12 to 1e.12, got"):
        cls(**{**cls.suggest((12, 12)), name: length})


@pytest.mark.parametrize("unit", [1e-12, 1e12])
@pytest.mark.parametrize("method", [mp.methods.FBP(), mp.methods.Tikhonov(), mp.methods.TV(iterations=10)])
def test_any_unit_within_gives_the_same_picture(method, unit):
    known = {"image_shape": (12, 12), "angles_deg": "0:180:15", "detector_count": 18}
    A = mp.operators.ParallelBeam(**known)
    y = A(torch.ones(1, 1, 12, 12))
    expected = mp.reconstruct(mp.Problem(A, y, noise_std=0.1), method).x
    A = mp.operators.ParallelBeam(**known, detector_pitch=unit, pixel_size=unit)
    found = mp.reconstruct(mp.Problem(A, y, noise_std=0.1), method).x * unit
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("far", [1e9, 1e20, 1e200])
def test_sources_so_far_that_rays_are_parallel(far):
    known = mp.operators.FanBeam.suggest((12, 12))
    with pytest.raises(mp.InputError, match="such rays are parallel"):
        mp.operators.FanBeam(**known | {"source_to_axis": far, "source_to_detector": 10 * far})


def test_sizes():
    A = mp.operators.ParallelBeam(image_shape=(32768, 32768), angles_deg="0:180:1000000", detector_count=100_000)
    for call in (A.check_size, lambda: mp.simulate(torch.ones(1, 1), A), lambda: mp.Problem(A, torch.ones(1))):
        with pytest.raises(mp.InputError, match=r"needs .* of memory"):
            call()
