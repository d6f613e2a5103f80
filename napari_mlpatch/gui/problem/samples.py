"""File > Open Sample > MLPatch."""

from __future__ import annotations

from napari_mlpatch import io

from .readers import LayerData, measurement_layer


def load_tooth() -> list[LayerData]:
    return _measurement("tooth")


def load_htc2022() -> list[LayerData]:
    return _measurement("htc2022")


def load_brain_kspace() -> list[LayerData]:
    return _measurement("brain-kspace")


def load_cosmos_shear() -> list[LayerData]:
    return _measurement("cosmos-shear")


def load_kappa() -> list[LayerData]:
    return _image("kappa")


def load_ct_slice() -> list[LayerData]:
    return _image("ct-slice")


def load_shepp_logan() -> list[LayerData]:
    return _image("shepp-logan")


def load_natural() -> list[LayerData]:
    return _image("camera")


def load_body_slice() -> list[LayerData]:
    return _image("body-slice")


def load_shepp_logan_30() -> list[LayerData]:
    return _simulation("shepp-logan-30")


def load_body_ct_60() -> list[LayerData]:
    return _simulation("body-ct-60")


def load_deblurring() -> list[LayerData]:
    return _simulation("deblurring")


def _measurement(name: str) -> list[LayerData]:
    return [measurement_layer(io.samples.measurement(name), {"sample": name})]


def _image(name: str) -> list[LayerData]:
    from .from_layer import sample_layer

    return [(io.samples.image(name), sample_layer(name), "image")]


def _simulation(name: str) -> list[LayerData]:
    """The image, marked so that the Problem dock simulates the measurement from it."""
    from .from_layer import simulation_layer

    return [(*simulation_layer(name), "image")]
