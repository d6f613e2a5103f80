"""Maps to iterate: the steps of a small equilibrium network, with a real operator."""

import torch

import napari_mlpatch as mp


def scaled(A):
    return (1.0 / A.norm) * A


def blur(shape=(12, 10)):
    return scaled(mp.operators.Blur(image_shape=shape, width=1.5))


def projector(shape=(12, 12)):
    return scaled(mp.operators.ParallelBeam(image_shape=shape, angles_deg="0:180:8", detector_count=18))


def coils(shape=(8, 7)):
    return scaled(mp.operators.MRICartesian(image_shape=shape, coils=3, acceleration=2))


class Prox(torch.nn.Module):
    """``f(x) = (1 - share) g + share N(g)`` for a gradient step g and a small network N: a contraction."""

    def __init__(self, A, count=2, dtype=torch.float64, seed=0, share=0.1):
        super().__init__()
        torch.manual_seed(seed)
        self.A, self.share, parts = A, share, 2 if A.complex_image else 1
        kind = dtype.to_complex() if A.complex_image else dtype
        self.first = torch.nn.Conv2d(parts, 4, 3, padding=1, dtype=dtype)
        self.second = torch.nn.Conv2d(4, parts, 3, padding=1, dtype=dtype)
        self.b = torch.nn.Parameter(A.T(A(torch.rand(count, 1, *A.domain_shape, dtype=dtype).to(kind))))

    def network(self, x):
        seen = torch.view_as_real(x[:, 0]).movedim(-1, 1) if x.is_complex() else x
        made = torch.tanh(self.second(torch.relu(self.first(seen))))
        return torch.view_as_complex(made.movedim(1, -1).contiguous())[:, None] if x.is_complex() else made

    def forward(self, x, item=slice(None)):
        g = x - (self.A.normal(x) - self.b[item])
        return (1.0 - self.share) * g + self.share * self.network(g)

    @property
    def start(self):
        return torch.zeros_like(self.b.detach())
