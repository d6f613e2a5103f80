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


def _measurement(name: str) -> list[LayerData]:
    return [measurement_layer(io.samples.measurement(name), {"sample": name})]


def _image(name: str) -> list[LayerData]:
    from .simulate_page import sample_layer

    return [(io.samples.image(name), sample_layer(name), "image")]
