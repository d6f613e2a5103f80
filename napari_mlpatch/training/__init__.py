"""Training: a recipe, of which a task says what is learned and a source from which images, and one loop."""

from .loop import Step, Trained, train
from .recipe import TrainingRecipe
from .shipping import ship
from .sources.adler_ellipses import AdlerEllipses
from .sources.drawn import Synthetic
from .sources.files import Files
from .sources.pairs import Pairs
from .tasks import Denoise, Reconstruct, Task

__all__ = [
    "AdlerEllipses",
    "Denoise",
    "Files",
    "Pairs",
    "Reconstruct",
    "Step",
    "Synthetic",
    "Task",
    "Trained",
    "TrainingRecipe",
    "ship",
    "train",
]
