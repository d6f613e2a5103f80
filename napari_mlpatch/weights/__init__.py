"""Trained weights: tensors in a safetensors file, and beside it a card that says what they are good for."""

from .card import Card
from .files import Weights, check_free, load, read_card, save
from .zoo import Unopened, available, facts, find, is_shipped, own_folder, training_folders

__all__ = [
    "Card",
    "Unopened",
    "Weights",
    "available",
    "check_free",
    "facts",
    "find",
    "is_shipped",
    "load",
    "own_folder",
    "read_card",
    "save",
    "training_folders",
]
