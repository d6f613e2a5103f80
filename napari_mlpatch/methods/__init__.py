"""Reconstruction methods. One file is one method; each is a frozen pydantic dataclass under a decorator."""

from .direct import Direct
from .fbp import FBP
from .pnp_admm import PnPADMM
from .pnp_hqs import PnPHQS
from .pnp_pgm import PnPPGM
from .tikhonov import Tikhonov
from .tv import TV

__all__ = ["FBP", "TV", "Direct", "PnPADMM", "PnPHQS", "PnPPGM", "Tikhonov"]
