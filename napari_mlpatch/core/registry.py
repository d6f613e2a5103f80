"""Names for the declared things: operators, noise models, methods, denoisers. One decorator adds one."""

from __future__ import annotations

import functools
import importlib
import importlib.metadata
import pkgutil
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from pydantic.dataclasses import is_pydantic_dataclass

from .errors import InputError

T = TypeVar("T", bound=type)


class Registry:
    """Classes by name. The built-in ones come from the modules of ``package``, others from the entry point group.

    >>> from napari_mlpatch.core.registry import operators
    >>> operators.get("parallel-beam")
    """

    def __init__(self, kind: str, package: str, entry_point_group: str):
        self.kind, self.package, self.entry_point_group = kind, package, entry_point_group
        self._classes: dict[str, type] = {}
        self._loaded = False
        self._lock = threading.RLock()
        self.broken: dict[str, str] = {}
        """Entry points of other packages that failed to import, with the reason."""

    def register(self, name: str, *, title: str) -> Callable[[T], T]:
        """Decorator of a frozen pydantic dataclass. ``name`` is used in recipes and on the command line."""

        def add(cls: T) -> T:
            if not is_pydantic_dataclass(cls):
                raise TypeError(f"{cls.__name__} must be a pydantic dataclass before it is registered")
            known = self._classes.get(name)
            if known is not None and (known.__module__, known.__qualname__) != (cls.__module__, cls.__qualname__):
                raise ValueError(f"two {self.kind}s named {name!r}: {known} and {cls}")
            cls.name, cls.title = name, title  # type: ignore[attr-defined]
            self._classes[name] = cls
            return cls

        return add

    def names(self) -> list[str]:
        self._load()
        return sorted(self._classes)

    def get(self, name: str) -> Any:
        """The class of that name. Raises InputError with the known names."""
        self._load()
        if name not in self._classes:
            raise InputError(f"Unknown {self.kind} {name!r}. Known: {', '.join(self.names())}.")
        return self._classes[name]

    def __iter__(self) -> Iterator[Any]:
        return (self._classes[name] for name in self.names())

    def _load(self) -> None:
        with self._lock:  # a second thread must not see half of them
            if self._loaded:
                return
            self._loaded = True  # first, because a module may ask for names while it is loaded
            try:
                package = importlib.import_module(self.package)
                for module in pkgutil.iter_modules(getattr(package, "__path__", [])):
                    importlib.import_module(f"{self.package}.{module.name}")
            except BaseException:
                self._loaded = False
                raise
            for entry in entry_points(group=self.entry_point_group):
                try:
                    entry.load()
                except (Exception, SystemExit) as error:  # what others broke must not take the workbench down
                    self.broken[entry.name] = f"{type(error).__name__}: {error}"


def entry_points(group: str) -> Iterable[importlib.metadata.EntryPoint]:
    return _installed().select(group=group)


@functools.cache  # it reads a file of every installed package
def _installed() -> Any:
    return importlib.metadata.entry_points()


operators = Registry("operator", "napari_mlpatch.operators", "napari_mlpatch.operators")
noises = Registry("noise", "napari_mlpatch.noises", "napari_mlpatch.noises")
methods = Registry("method", "napari_mlpatch.methods", "napari_mlpatch.methods")
denoisers = Registry("denoiser", "napari_mlpatch.denoisers", "napari_mlpatch.denoisers")
