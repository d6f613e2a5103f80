"""Pictures that share their contrast: one slider moves all of a group, or each has its own."""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Hashable, Iterator
from typing import Any

from napari.layers import Image

SHARED = ("contrast_limits", "gamma", "colormap")
Limits = tuple[float, float]


class Contrast:
    """Groups of layers. What is not on show learns what the others have when it is shown."""

    def __init__(self) -> None:
        self.linked = True
        self._group: dict[Image, Hashable] = {}
        self._own: dict[Image, Limits] = {}
        self._shared: dict[Hashable, dict[str, Any]] = {}
        self._widest: set[Hashable] = set()
        self._coloured: set[Image] = set()
        self._heard: weakref.WeakSet[Image] = weakref.WeakSet()
        self._busy = False

    def add(self, layer: Image, group: Hashable, own: Limits, shared: Limits | None, own_colours: bool = False) -> None:
        """Let a layer belong to a group.

        ``own`` suits its picture alone, ``shared`` all of the group; None: as wide as that of the widest on show.
        With ``own_colours`` the layer keeps its colormap.
        """
        (self._coloured.add if own_colours else self._coloured.discard)(layer)
        if layer not in self._heard:
            self._heard.add(layer)
            for name in SHARED:
                getattr(layer.events, name).connect(lambda event, name=name: self._changed(layer, name))
        self._own[layer], self._group[layer] = own, group
        if shared is not None:
            self._shared.setdefault(group, {}).setdefault("contrast_limits", shared)
        elif group not in self._shared:
            self._shared[group] = {}
            self._widest.add(group)

    def remove(self, layer: Image) -> None:
        self._group.pop(layer, None)
        self._own.pop(layer, None)
        self._coloured.discard(layer)

    def members(self, group: Hashable) -> list[Image]:
        return [layer for layer, its in self._group.items() if its == group]

    def group(self, layer: Image) -> Hashable:
        """The group of a layer whose colours it shares; None where it is in none."""
        return None if layer in self._coloured else self._group.get(layer)

    def settle(self) -> None:
        """Give every layer on show the contrast that it is to have."""
        on_show = [layer for layer in self._group if layer.visible]
        for group in {self._group[layer] for layer in on_show} & self._widest:
            own = [self._own[layer] for layer in on_show if self._group[layer] == group]
            self._shared[group]["contrast_limits"] = (min(low for low, _ in own), max(high for _, high in own))
        for layer in on_show:
            self.apply(layer)

    def link(self, linked: bool) -> None:
        """One contrast for all of a group, or the own of each."""
        self.linked = linked
        self.settle()

    def apply(self, layer: Image) -> None:
        """Give a layer that comes on show the contrast it is to have."""
        group = self._group.get(layer)
        if group is None:
            return
        wanted = self._shared.get(group, {}) if self.linked else {"contrast_limits": self._own[layer]}
        with self._quiet():
            for name, value in wanted.items():
                if self._shares(layer, name):
                    _set(layer, name, value)

    def _changed(self, layer: Image, name: str) -> None:
        """A person moved a slider."""
        group = self._group.get(layer)
        if self._busy or group is None or not layer.visible or not self._shares(layer, name):
            return
        value = getattr(layer, name)
        if name == "contrast_limits":
            value = tuple(value)
            if not self.linked:
                self._own[layer] = value
        if not self.linked:
            return
        if name == "contrast_limits":
            self._widest.discard(group)
        self._shared.setdefault(group, {})[name] = value
        with self._quiet():
            for other in self.members(group):
                if other is not layer and other.visible and self._shares(other, name):
                    _set(other, name, value)

    def _shares(self, layer: Image, name: str) -> bool:
        return name != "colormap" or layer not in self._coloured

    @contextlib.contextmanager
    def _quiet(self) -> Iterator[None]:
        before, self._busy = self._busy, True
        try:
            yield
        finally:
            self._busy = before


def _set(layer: Image, name: str, value: Any) -> None:
    if name == "contrast_limits":
        low, high = value
        lowest, highest = layer.contrast_limits_range
        if low < lowest or high > highest:
            layer.contrast_limits_range = (min(low, lowest), max(high, highest))
        if tuple(layer.contrast_limits) != (low, high):
            layer.contrast_limits = (low, high)
    elif getattr(layer, name) != value:
        setattr(layer, name, value)
