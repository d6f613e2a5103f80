"""Registries of views and plots: a class in a file of the package is all that one more needs."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from typing import TypeVar

T = TypeVar("T", bound=type)


class Parts:
    """Classes by name, from the modules of a package, in their order. Not to be confused with what recipes name."""

    def __init__(self, package: str):
        self.package = package
        self._classes: dict[str, type] = {}
        self._loaded = False

    def register(self, name: str, *, title: str, key: str = "", order: int = 50) -> Callable[[T], T]:
        """Decorator of a class. ``key`` is napari's name of a key, such as "W" or "Shift-W"; ``order`` places it."""

        def add(cls: T) -> T:
            if name in self._classes and self._classes[name].__qualname__ != cls.__qualname__:
                raise ValueError(f"two parts named {name!r}: {self._classes[name]} and {cls}")
            taken = [other.name for other in self._classes.values() if key and other.key == key and other.name != name]  # type: ignore[attr-defined]
            if taken:
                raise ValueError(f"{name!r} and {taken[0]!r} both have the key {key!r}")
            cls.name, cls.title, cls.key, cls.order = name, title, key, order  # type: ignore[attr-defined]
            self._classes[name] = cls
            return cls

        return add

    def __iter__(self) -> Iterator[type]:
        self._load()
        return iter(sorted(self._classes.values(), key=lambda cls: (cls.order, cls.title)))  # type: ignore[attr-defined]

    def get(self, name: str) -> type:
        self._load()
        return self._classes[name]

    def _load(self) -> None:
        if not self._loaded:
            self._loaded = True
            package = importlib.import_module(self.package)
            for module in pkgutil.iter_modules(package.__path__):
                importlib.import_module(f"{self.package}.{module.name}")


views = Parts("napari_mlpatch.gui.compare.views")
"""What the canvas can show."""
plots = Parts("napari_mlpatch.gui.compare.plots")
"""What the tabs beside the table can show."""
