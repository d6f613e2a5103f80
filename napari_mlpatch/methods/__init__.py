"""Reconstruction methods. One file is one method; each is a frozen pydantic dataclass under a decorator."""

from .fbp import FBP
from .tikhonov import Tikhonov
from .tv import TV

__all__ = ["FBP", "TV", "Tikhonov"]
