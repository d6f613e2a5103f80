"""Inner products for a GPU, in few operations, against those on the CPU."""

import pytest
import torch

from napari_mlpatch.solvers.items import dot, norm, wide_dot, wide_norm


@pytest.mark.parametrize("kind", [torch.float32, torch.float64, torch.complex64, torch.complex128])
@pytest.mark.parametrize("shape", [(5, 7), (1, 1, 6, 5), (3, 2, 4, 5), (2, 1, 9)])
@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30])
def test_wide_ones_are_the_same(kind, shape, scale):
    generator = torch.Generator().manual_seed(0)
    a, b = (scale * torch.randn(shape, dtype=kind, generator=generator) for _ in range(2))
    torch.testing.assert_close(wide_dot(a, b.conj().conj()), dot(a, b), rtol=1e-5, atol=1e-6 * scale**2)
    torch.testing.assert_close(wide_norm(a), norm(a), rtol=1e-6, atol=0.0)
    assert wide_norm(a).dtype == wide_dot(a, b).dtype == torch.float64
