"""Training of denoisers: a recipe, data, one loop."""

from .loop import Step, Trained, train
from .recipe import Files, Synthetic, TrainingRecipe
from .shipping import ship

__all__ = ["Files", "Step", "Synthetic", "Trained", "TrainingRecipe", "ship", "train"]
