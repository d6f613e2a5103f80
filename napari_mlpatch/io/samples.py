"""The bundled samples: measurements and images to try things on. Sources and licences: sample_data/README.md."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.paths import bundled

from . import simulations

if TYPE_CHECKING:
    from napari_mlpatch.core.problem import Problem

    from .measurement import Measurement

SIZES = (16, 4096)


@dataclass(frozen=True)
class Sample:
    """What a sample is. ``kind`` is "measurement" or "image", ``shape`` that of the data of a slice, or of the image.

    ``values`` tells range and unit in words. ``pixel_size`` is in ``unit``. ``file`` lies in sample_data; None for what
    is computed. ``options`` are those with which a measurement makes a good problem.
    """

    name: str
    kind: str
    title: str
    shape: tuple[int, ...]
    values: str
    credit: str
    file: str | None = None
    pixel_size: float | None = None
    unit: str = ""
    options: dict[str, Any] = dataclasses.field(default_factory=dict)


SAMPLES = (
    Sample(
        "shepp-logan",
        "image",
        "Shepp-Logan phantom",
        (256, 256),
        "0 to 1, no unit",
        "P. Toft, The Radon Transform (1996)",
    ),
    Sample(
        "shepp-logan-128",
        "image",
        "Shepp-Logan phantom of the literature, sampled at the centres of its pixels",
        (128, 128),
        "0 to 1, no unit",
        "P. Toft, The Radon Transform (1996)",
    ),
    Sample(
        "body-slice",
        "image",
        "CT slice of an abdomen",
        (256, 256),
        "0 to 2.049, attenuation relative to water (air 0, water 1), from Hounsfield units / 1000 + 1",
        "TCGA-LUAD and TCGA-LUSC, The Cancer Imaging Archive, CC BY 3.0",
        file="body_slice.png",
        pixel_size=1.40625,
        unit="mm",
    ),
    Sample(
        "ct-slice",
        "image",
        "CT slice of a chest",
        (512, 512),
        "0 to 1.817, attenuation relative to water (air 0, water 1), from Hounsfield units / 1000 + 1",
        "P. Li et al., Lung-PET-CT-Dx, The Cancer Imaging Archive (2020), CC BY 4.0",
        file="ct_slice.png",
        pixel_size=0.841796875,
        unit="mm",
    ),
    Sample(
        "camera",
        "image",
        "Photograph: camera",
        (512, 512),
        "0 to 1, no unit",
        "L. Varshney, CC0",
        file="camera.png",
    ),
    Sample(
        "astronaut",
        "image",
        "Photograph: astronaut",
        (512, 512),
        "0 to 1, no unit",
        "NASA, public domain",
        file="astronaut.png",
    ),
    Sample(
        "kappa",
        "image",
        "Convergence map (mass behind which galaxies look sheared)",
        (256, 256),
        "-0.028 to 0.338, no unit; of mean zero",
        "computed: a log-normal random field",
        pixel_size=300.0 / 256,
        unit="arcmin",
    ),
    Sample(
        "tooth",
        "measurement",
        "Tooth, measured at a synchrotron (parallel beam)",
        (181, 640),
        "line integrals, -0.1 to 2, no unit; as an image 1 / bin",
        "TomoPy, UChicago Argonne, LLC",
        file="tooth.h5",
        options={"slice": 0, "center": "auto"},
    ),
    Sample(
        "htc2022",
        "measurement",
        "Plastic disc with holes, measured (fan beam)",
        (721, 560),
        "line integrals, 0 to 2.2, no unit; as an image 1 / mm",
        "A. Meaney et al., Helsinki Tomography Challenge 2022, CC BY 4.0",
        file="htc2022_ta.mat",
        pixel_size=0.1483223173330444,
        unit="mm",
        options={"image_shape": [512, 512]},
    ),
    Sample(
        "cosmos-shear",
        "measurement",
        "Shear of galaxies in the COSMOS field, measured with Hubble",
        (256, 256),
        "complex shear, up to 1.2, no unit",
        "COSMOS survey, Hubble Space Telescope",
        file="cosmos_shear.h5",
        pixel_size=0.367,
        unit="arcmin",
    ),
    Sample(
        "brain-kspace",
        "measurement",
        "Brain, k-space measured with 8 coils (MRI)",
        (8, 230, 180),
        "k-space, complex, up to 16; as an image in the same arbitrary unit",
        "SigPy tutorial, mikgroup, BSD-3-Clause",
        file="brain_kspace.h5",
    ),
)


def names(kind: str | None = None) -> list[str]:
    """Names of all samples, or of one kind: "measurement" or "image"."""
    return [sample.name for sample in SAMPLES if kind in (None, sample.kind)]


def describe(name: str) -> Sample:
    """What the sample is. Raises InputError for an unknown name."""
    for sample in SAMPLES:
        if isinstance(name, str) and sample.name == name:
            return sample
    if isinstance(name, str) and name in simulations.names():
        raise InputError(
            f"The sample {name!r} is simulated from the image {simulations.find(name).image!r}: take that, or the "
            f"measurement (sample:{name} on the command line, mp.io.samples.problem({name!r}) in Python)."
        )
    raise InputError(f"There is no sample {name!r}. There are: {', '.join((*names(), *simulations.names()))}.")


def words(source: dict[str, Any]) -> str:
    """What the source of a problem or an image says about its pictures: a sample's title, the name of a file."""
    found = [words(source["image"])] if isinstance(source.get("image"), dict) else []
    if source.get("kind") == "sample":
        found += [sample.title for sample in SAMPLES if sample.name == source.get("name")]
    elif isinstance(source.get("path"), str):
        found.append(PurePath(source["path"]).name)
    return " ".join(found)


def load(name: str, **options: Any) -> Problem | np.ndarray:
    """A measurement as a ``Problem``, an image as float32 ``[rows, columns]``; see ``problem`` and ``image``."""
    simulated = isinstance(name, str) and name in simulations.names()
    return problem(name, **options) if simulated or describe(name).kind == "measurement" else image(name, **options)


def problem(name: str, **options: Any) -> Problem:
    """A sample with its operator: measured, or simulated from an image (then the truth is known).

    ``options`` are those of ``ProblemOptions`` and go before a measured sample's own. Raises InputError for unknown
    names and options, and for samples that are images.
    """
    if isinstance(name, str) and name in simulations.names():
        if options:
            raise InputError(f"The sample {name!r} is simulated and takes no options, got {', '.join(options)}.")
        made = simulations.find(name)
        return simulations.problem(made, image(made.image, made.size))
    sample = describe(name)
    made = measurement(name).problem(**{**sample.options, **options})
    return dataclasses.replace(made, source={"kind": "sample", "name": name, "options": made.source["options"]})


def measurement(name: str) -> Measurement:
    """A measured sample as found in its file. Raises InputError for samples that are images."""
    sample = describe(name)
    if sample.kind != "measurement" or sample.file is None:
        raise InputError(f"The sample {name!r} is an image. Measured are: {', '.join(names('measurement'))}.")
    from .loading import load  # the readers are imported when there is something to read

    return load(bundled("sample_data") / sample.file)


def image(name: str, size: int | None = None) -> np.ndarray:
    """A sample image, float32 ``[rows, columns]``; ``describe(name).values`` tells range and unit.

    ``size`` makes it square with so many pixels, each the mean over its area. Raises InputError for unknown
    names, samples that are measurements, and impossible sizes.
    """
    from .image_files import image_from_file
    from .mass_map import mass_map
    from .phantom import shepp_logan
    from .resize import resize

    sample = describe(name)
    if sample.kind != "image":
        raise InputError(f"The sample {name!r} is a measurement. Images are: {', '.join(names('image'))}.")
    if size is not None:
        check_size(size)
    if name == "shepp-logan":
        return shepp_logan(size or sample.shape[0])
    if name == "shepp-logan-128":
        return shepp_logan(size or sample.shape[0], oversampling=1)
    if sample.file is None:
        values = mass_map(sample.shape[0])
    else:
        values, _ = image_from_file(bundled("sample_data") / sample.file)
    if name in ("ct-slice", "body-slice"):
        values = np.clip((values * 65535 - 24) / 1000, 0, None)  # stored: Hounsfield units + 1024
    return values if size is None else resize(values, (size, size))


def check_size(size: object) -> None:
    """Raises InputError unless ``size`` is a sensible number of pixels."""
    if isinstance(size, bool) or not isinstance(size, int) or not SIZES[0] <= size <= SIZES[1]:
        raise InputError(f"The size must be a whole number from {SIZES[0]} to {SIZES[1]}, got {size!r}.")
