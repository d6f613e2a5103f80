"""FBPConvNet: published size, the quick picture plus a correction, any size, complex pictures."""

import pytest
import torch

import napari_mlpatch as mp
from napari_mlpatch import networks
from napari_mlpatch.core.errors import InputError
from napari_mlpatch.networks.complex_channels import from_channels, to_channels

O = mp.operators


@pytest.mark.parametrize(
    ("params", "count"),
    [
        ({"width": 64, "batch_norm": False}, 31_030_593),  # Adler & Öktem's comparison, as it is described
        ({"width": 64}, 31_036_481),  # scale and shift of each normalisation instead of a bias
        ({"width": 32}, 7_762_465),
    ],
)
def test_parameter_counts(params, count):
    """All weights and biases of convolutions, scales and shifts of normalisations; no running statistics."""
    with torch.device("meta"):
        network = networks.build("fbpconvnet", params)
    assert sum(p.numel() for p in network.parameters()) == count


OPERATORS = {
    "parallel-beam": O.ParallelBeam(image_shape=(17, 22), angles_deg="0:180:9", detector_count=30),
    "kaiser-squires": O.KaiserSquires(image_shape=(17, 22)),
    "super-resolution": O.SuperResolution(image_shape=(18, 22)),
    "mri": O.MRICartesian(image_shape=(17, 22), acceleration=2),
    "mri-coils": O.MRICartesian(image_shape=(17, 22), coils=2, acceleration=2),
}


@pytest.mark.parametrize("A", OPERATORS.values(), ids=OPERATORS)
def test_it_corrects_the_quick_picture(A):
    kind = torch.complex64 if A.complex_image else torch.float32
    y = A(torch.randn(2, 1, *A.domain_shape, dtype=kind))
    network = networks.build("fbpconvnet", {"channels": 2 if A.complex_image else 1, "width": 3, "depth": 3}).eval()
    with torch.no_grad():
        x = network(y, A)
        quick = A.pinv(y)
        inside = to_channels(quick)
        torch.testing.assert_close(x, from_channels(network.unet(inside), quick))
        for value in network.unet.last.parameters():
            value.zero_()
        assert torch.equal(network(y, A), quick)
    assert x.shape == quick.shape and x.dtype == kind and not torch.equal(x, quick)


def test_it_learns():
    """A gradient reaches every weight, and one step lowers the loss."""
    A = OPERATORS["mri"]
    truth = torch.randn(2, 1, *A.domain_shape, dtype=torch.complex64)
    network = networks.build("fbpconvnet", {"channels": 2, "width": 3, "depth": 2})
    optimiser = torch.optim.SGD(network.parameters(), 1e-2)
    losses = []
    for _ in range(2):
        loss = (network(A(truth), A) - truth).abs().square().mean()
        optimiser.zero_grad()
        loss.backward()
        assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[1] < losses[0]


def test_a_quick_picture_of_another_shape_is_refused():
    class Odd(O.Blur):
        def pinv(self, y):
            return y[..., :-1]

    with pytest.raises(InputError, match=r"no quick picture .* gives the shape \[1, 1, 8, 7\]"):
        networks.build("fbpconvnet", {"width": 1, "depth": 1})(torch.rand(1, 1, 8, 8), Odd(image_shape=(8, 8)))
