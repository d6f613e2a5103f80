"""Small instances of each operator, for what every one must do."""

import numpy as np

from napari_mlpatch.core.operator import Operator
from napari_mlpatch.operators import (
    Blur,
    Composed,
    CompressedSensing,
    FanBeam,
    Identity,
    Inpainting,
    Interferometer,
    KaiserSquires,
    MRICartesian,
    MRINonCartesian,
    ParallelBeam,
    Stacked,
    SuperResolution,
)

MAPS = np.exp(1j * np.arange(2 * 12 * 13)).reshape(2, 12, 13) * np.linspace(0.2, 1, 13)  # coil sensitivities

# Small instances of each operator, and how far its `normal` may be from A.T(A(x)) on white noise: by a NUFFT to 1e-10.
EXAMPLES: dict[str, list[tuple[Operator, float]]] = {
    "parallel-beam": [
        (ParallelBeam(image_shape=(16, 16), angles_deg="0:180:9", detector_count=25), 1e-10),
        (
            ParallelBeam(image_shape=(13, 18), angles_deg=(-30, 0, 45, 90, 200, 725), detector_count=33, center=15.2),
            1e-10,
        ),
        (ParallelBeam(image_shape=(9, 12), angles_deg="0:360:7", detector_count=40, pixel_size=2.3), 1e-10),
        (ParallelBeam(image_shape=(12, 9), angles_deg="0:180:7", detector_count=8, detector_pitch=2.5), 1e-12),
        (ParallelBeam(image_shape=(15, 15), angles_deg="0:180:7", detector_count=9), 1e-12),
        (ParallelBeam(image_shape=(1, 9), angles_deg="0:180:5", detector_count=12), 1e-10),
        (ParallelBeam(image_shape=(9, 1), angles_deg="0:180:5", detector_count=12), 1e-10),
        (ParallelBeam(image_shape=(1, 1), angles_deg=(30.0,), detector_count=1), 1e-12),
    ],
    "composed": [
        (Identity(image_shape=(5, 17)) @ ParallelBeam((11, 12), "0:180:5", 17), 1e-10),
        (CompressedSensing(image_shape=(9, 12)) @ KaiserSquires(image_shape=(9, 12)), 1e-12),
        (Composed(outer=CompressedSensing(image_shape=(7, 8)), inner=Blur(image_shape=(7, 8))), 1e-12),
    ],
    "scaled": [(-2.5 * KaiserSquires(image_shape=(9, 12)), 1e-12), (0.1 * CompressedSensing((7, 8)), 1e-12)],
    "stacked": [
        (Stacked(parts=(Blur(image_shape=(7, 8)), CompressedSensing(image_shape=(7, 8)))), 1e-12),
        (Stacked(parts=(KaiserSquires(image_shape=(9, 12)), FanBeam((9, 12), "0:360:5", 21, 30, 60))), 1e-12),
        (Stacked(parts=(KaiserSquires(image_shape=(9, 12)), Inpainting(image_shape=(9, 12)))), 1e-12),
    ],
    "compressed-sensing": [
        (CompressedSensing(image_shape=(8, 16)), 1e-12),
        (CompressedSensing(image_shape=(9, 7), ratio=0.6, seed=3), 1e-12),
        (CompressedSensing(image_shape=(6, 7), matrix="gaussian"), 1e-12),
        (CompressedSensing(image_shape=(7, 6), matrix="bernoulli", ratio=1.0), 1e-12),
    ],
    "kaiser-squires": [
        (KaiserSquires(image_shape=(12, 16)), 1e-12),
        (KaiserSquires(image_shape=(15, 9), signs="+-"), 1e-12),
        (KaiserSquires(image_shape=(10, 13), mask="custom", mask_values=np.arange(130).reshape(10, 13) % 3), 1e-12),
    ],
    "fan-beam": [
        (FanBeam((16, 16), "0:360:9", 25, source_to_axis=40, source_to_detector=60, detector_pitch=1.5), 1e-12),
        (FanBeam((9, 12), (-30, 0, 45, 200), 21, 30, 30, detector="curved", pixel_size=2.3, center=8.2), 1e-12),
        (FanBeam((1, 1), (30.0,), 1, source_to_axis=2, source_to_detector=3), 1e-12),
    ],
    "mri-cartesian": [
        (MRICartesian(image_shape=(12, 16)), 1e-12),
        (MRICartesian(image_shape=(15, 9), mask="poisson-disc", acceleration=2, coils=3), 1e-12),
        (MRICartesian(image_shape=(10, 13), mask="equispaced", direction="rows", sensitivities=MAPS[:, :10]), 1e-12),
        (MRICartesian(image_shape=(12, 13), mask="custom", mask_values=np.arange(156).reshape(12, 13) % 3), 1e-12),
    ],
    "mri-noncartesian": [
        (MRINonCartesian(image_shape=(16, 16), trajectory="radial", spokes=9), 1e-10),
        (MRINonCartesian(image_shape=(12, 13), spokes=5, sensitivities=MAPS), 1e-10),
        (MRINonCartesian(image_shape=(9, 14), trajectory="spiral", spokes=3, coils=3), 1e-10),
        (
            MRINonCartesian((1, 8), trajectory="custom", trajectory_values=[[0, 3.1], [0, -1], [1, 0]]),
            1e-10,
        ),
    ],
    "radio": [
        (Interferometer(image_shape=(16, 16), coverage="gaussian"), 1e-10),
        (Interferometer(image_shape=(13, 18), antennas=5, snapshots=4), 1e-10),
        (Interferometer(image_shape=(12, 9), antennas=6, snapshots=6, layout="spiral", declination_deg=60), 1e-10),
        (Interferometer(image_shape=(9, 1), coverage="custom", coverage_values=[[3.1, 0], [-1, 0.5], [1, 0]]), 1e-10),
    ],
    "identity": [(Identity(image_shape=(12, 16)), 1e-12), (Identity(image_shape=(1, 7)), 1e-12)],
    "blur": [
        (Blur(image_shape=(12, 16), width=1.2), 1e-12),
        (Blur(image_shape=(13, 7), kernel="shake", width=3.0), 1e-12),
        (Blur(image_shape=(15, 18), kernel="motion", width=2.5, angle=30, boundary="valid"), 1e-12),
        (
            Blur(
                image_shape=(12, 9),
                kernel="custom",
                kernel_values=[[1, 2, 3, -0.5], [0, 4, 1, 1]],
                normalise=False,
                boundary="valid",
            ),
            1e-12,
        ),
    ],
    "inpainting": [
        (Inpainting(image_shape=(12, 16)), 1e-12),
        (Inpainting(image_shape=(13, 7), mask="blocks", size=3, kept=0.4), 1e-12),
        (Inpainting(image_shape=(9, 14), mask="stripes", size=2), 1e-12),
        (
            Inpainting(image_shape=(10, 13), mask="custom", missing=np.arange(130).reshape(10, 13) % 3),
            1e-12,
        ),
    ],
    "super-resolution": [
        (SuperResolution(image_shape=(12, 16)), 1e-12),
        (SuperResolution(image_shape=(13, 7), factor=3, kernel="bicubic"), 1e-12),
        (SuperResolution(image_shape=(18, 11), factor=4, kernel="gaussian"), 1e-12),
        (SuperResolution(image_shape=(9, 1), factor=8, kernel="gaussian", width=0.5), 1e-12),
    ],
}
CASES = [(A, tolerance) for name in EXAMPLES for A, tolerance in EXAMPLES[name]]
IDS = [f"{name}-{'x'.join(map(str, A.domain_shape))}" for name in EXAMPLES for A, _ in EXAMPLES[name]]
