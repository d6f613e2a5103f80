"""Measured k-space in the window: from the sample to a complex picture and its magnitude in a layer."""

import numpy as np


def test_measured_kspace(session, qtbot, tmp_path):
    import napari_mlpatch as mp
    from napari_mlpatch.gui.problem.readers import get_reader
    from napari_mlpatch.gui.problem.samples import load_brain_kspace

    bench = session.workbench
    for data, about, _ in load_brain_kspace():
        session.viewer.add_image(data, **about)
    qtbot.waitUntil(lambda: bench.scene is not None, timeout=60_000)
    problem = bench.scene.problem
    assert (problem.A.name, problem.A.range_shape) == ("mri-cartesian", (8, 230, 180))
    assert problem.source == {"kind": "sample", "name": "brain-kspace", "options": {}}
    qtbot.waitUntil(lambda: session.stage.scenes["measurement"] is not None, timeout=60_000)
    seen = {la.metadata["mlpatch"]["role"]: la for la in session.viewer.layers if "mlpatch" in la.metadata}
    assert seen["preview"].data.shape == seen["measurement"].data.shape == (230, 180)
    assert not any(np.iscomplexobj(layer.data) for layer in seen.values())

    result = mp.reconstruct(problem, mp.methods.Tikhonov(iterations=2))
    path = str(tmp_path / "x.tif")
    mp.io.write_image(path, result.x, result.recipe.model_dump(mode="json"))
    ((image, about, _),) = get_reader(path)(path)
    np.testing.assert_allclose(image, result.x[0, 0].abs(), rtol=1e-5, atol=1e-6)
    assert about["metadata"]["mlpatch"]["recipe"]["operator"]["name"] == "mri-cartesian"
