"""Names for the declared things: operators, noise models, methods, networks, trainings. One decorator adds one."""

from __future__ import annotations

import contextlib
import functools
import importlib
import importlib.metadata
import json
import pkgutil
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic.dataclasses import is_pydantic_dataclass

from .errors import InputError
from .words import safe, short

T = TypeVar("T", bound=type)


NEEDED = {
    "operator": ("domain_shape", "range_shape", "_apply", "_adjoint"),
    "noise": ("sample", "level"),
    "method": ("solve",),
    "architecture": ("build",),
    "task": ("check", "batch", "loss", "figures", "card"),
    "source": ("open",),
    "care step": ("apply",),
}
"""What a class of a kind has to define itself."""
BASES = (
    "napari_mlpatch.core.operator",
    "napari_mlpatch.core.method",
    "napari_mlpatch.core.noise",
    "napari_mlpatch.networks.architecture",
    "napari_mlpatch.training.tasks.task",
    "napari_mlpatch.training.sources.source",
    "napari_mlpatch.stacks.care.step",
)


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
            lacking = [part for part in NEEDED.get(self.kind, ()) if not _defines(cls, part)]
            if lacking:
                raise TypeError(f"the {self.kind} {cls.__name__} does not define {', '.join(lacking)}")
            known = self._classes.get(name)
            if known is not None and (known.__module__, known.__qualname__) != (cls.__module__, cls.__qualname__):
                raise ValueError(f"two {self.kind}s named {name!r}: {known} and {cls}")
            cls.name, cls.title = name, title  # type: ignore[attr-defined]
            gives_input_errors(cls, f"{self.kind} {name!r}")
            self._classes[name] = cls
            return cls

        return add

    def names(self) -> list[str]:
        self._load()
        return sorted(self._classes)

    def get(self, name: str) -> Any:
        """The class of that name. Raises InputError with the known names."""
        self._load()
        if not isinstance(name, str) or name not in self._classes:
            raise InputError(f"Unknown {self.kind} {short(name)}. Known: {', '.join(self.names())}.")
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
                self._load_entry(entry)

    def _load_entry(self, entry: importlib.metadata.EntryPoint) -> None:
        """What another package adds. Whatever it breaks must not take the workbench down, nor print into results."""
        from .declare import parameters

        before = set(self._classes)
        try:
            with contextlib.redirect_stdout(sys.stderr):
                entry.load()
                for name in set(self._classes) - before:
                    try:
                        json.dumps([p.json() for p in parameters(self._classes[name])])
                    except BaseException:
                        del self._classes[name]
                        raise
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            self.broken[entry.name] = safe(f"{type(error).__name__}: {error}")


def _defines(cls: type, part: str) -> bool:
    """Whether a class has this method from somewhere else than our base, which only says that it is missing."""
    found = next((base for base in cls.__mro__ if part in vars(base)), None)
    return found is not None and found.__module__ not in BASES


def gives_input_errors(cls: T, title: str) -> T:
    """Let the constructor raise InputError where pydantic would raise its own, and where numbers are impossible."""
    init = cls.__init__
    if getattr(init, "gives_input_errors", None) is cls:
        return cls

    @functools.wraps(init)
    def checked(self: Any, *args: Any, **params: Any) -> None:
        from .declare import explain

        try:
            init(self, *args, **params)
        except ValidationError as error:
            raise InputError(f"{title}: {explain(error, cls)}") from None
        except (ArithmeticError, RecursionError) as error:
            raise InputError(f"{title}: impossible values ({type(error).__name__}: {error}).") from None

    checked.gives_input_errors = cls  # type: ignore[attr-defined]
    cls.__init__ = checked  # type: ignore[misc]
    return cls


def entry_points(group: str) -> Iterable[importlib.metadata.EntryPoint]:
    return _installed().select(group=group)


@functools.cache  # it reads a file of every installed package
def _installed() -> Any:
    return importlib.metadata.entry_points()


operators = Registry("operator", "napari_mlpatch.operators", "napari_mlpatch.operators")
noises = Registry("noise", "napari_mlpatch.noises", "napari_mlpatch.noises")
methods = Registry("method", "napari_mlpatch.methods", "napari_mlpatch.methods")
denoisers = Registry("denoiser", "napari_mlpatch.denoisers", "napari_mlpatch.denoisers")
architectures = Registry("architecture", "napari_mlpatch.networks", "napari_mlpatch.architectures")
tasks = Registry("task", "napari_mlpatch.training.tasks", "napari_mlpatch.tasks")
sources = Registry("source", "napari_mlpatch.training.sources", "napari_mlpatch.sources")
care_steps = Registry("care step", "napari_mlpatch.stacks.care", "napari_mlpatch.care_steps")
