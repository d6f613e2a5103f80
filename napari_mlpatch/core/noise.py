"""The noise of a measurement: ``noise(y, seed)`` gives the noisy one, with one seed the same on every device."""

from __future__ import annotations

from napari_mlpatch.torch_later import Tensor, torch


def per_item(value: Tensor, y: Tensor) -> Tensor:
    """``[B]`` as ``[B, 1, ...]``, so that it goes along with the items of y."""
    return value.view(-1, *[1] * (y.ndim - 1))


class Noise:
    """Base of all noise models: frozen pydantic dataclasses with ``sample`` and ``level``."""

    name: str
    title: str

    @property
    def idle(self) -> tuple[str, ...]:
        """Parameters that have no effect, because others are given."""
        return ()

    def __call__(self, y: Tensor, seed: int) -> Tensor:
        """A noisy copy of the clean measurement ``y``."""
        generator = torch.Generator().manual_seed(seed)
        return self.sample(y.detach().cpu(), generator).to(device=y.device, dtype=y.dtype)

    def sample(self, y: Tensor, generator: torch.Generator) -> Tensor:
        """A noisy copy of y, on the CPU as the generator is; one level for all of it."""
        raise NotImplementedError

    def each(self, y: Tensor, generator: torch.Generator) -> Tensor:
        """Noisy copies of the items of a batch ``[B, ...]``, each with the level that it has alone, for training.

        The generator is on y's device. Here each item is drawn on the CPU; a model that defines it anew draws on the
        device, without waiting for it, and refuses nothing (``level`` does).
        """
        if generator.device.type != "cpu":
            seed = int(torch.randint(2**62, (), generator=generator, device=generator.device))
            generator = torch.Generator().manual_seed(seed)
        return torch.cat([self.sample(item, generator) for item in y.detach().cpu().split(1)]).to(y.device)

    def level(self, y: Tensor) -> float:
        """Standard deviation of the noise on the clean measurement ``y`` (root mean square over its samples)."""
        raise NotImplementedError

    def variance(self, y: Tensor) -> Tensor | None:
        """Mean square of ``noise(y) - y`` at each sample, of y's shape; None: the same at all, the level's square.

        Also of measurements that no image of the kind makes (a poor reconstruction's), so it never refuses.
        """
        return None

    def variance_of_noisy(self, y: Tensor) -> Tensor | None:
        """What ``variance`` would be, estimated from a noisy measurement, of y's shape, positive.

        None: not known well enough to weigh the samples by it.
        """
        return None
