"""Trained weights: tensors in a safetensors file, and beside it a card that says what they are good for."""

from .card import Card
from .files import Weights, load, read_card, save
from .zoo import available, find, own_folder

__all__ = ["Card", "Weights", "available", "find", "load", "own_folder", "read_card", "save"]
