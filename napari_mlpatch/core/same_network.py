"""Whether the weights at hand are still made into the network that a recipe had."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from .declare import build, describe
from .errors import InputError
from .recipe import Network, Recipe
from .registry import architectures


def network_of(card: Any) -> Network:
    """What the tensors of a card are made into, with all parameters, also those that the card leaves to defaults."""
    described = card.architecture.model_dump()
    with suppress(InputError):  # told where it is opened
        described = describe(build(architectures, described))
    return Network(**described, normalise=card.normalise)


def with_network(recipe: Recipe, weights: Any) -> Recipe:
    """The recipe that says what its weights are made into.

    Their hash is that of the tensors alone; how they are used, their card says. Raises InputError where that is not
    what the recipe says: the card was edited since, and would make another picture of the same tensors. Recipes of
    older versions say nothing and take what there is.
    """
    card = getattr(weights, "card", None)
    if card is None or recipe.weights != card.sha256:
        return recipe
    now = network_of(card)
    if recipe.network is None:
        return recipe.model_copy(update={"network": now})
    found = _differences(recipe.network, now)
    if found:
        raise InputError(
            f"The card of the weights {card.name!r} was changed since this recipe: {'; '.join(found)}. The tensors are "
            "the same, but would be used in another way and make another picture. Take the weights with the card that "
            "they had."
        )
    return recipe


def _differences(then: Network, now: Network) -> list[str]:
    if then.name != now.name:
        return [f"the architecture was {then.name!r}, now it is {now.name!r}"]
    a = {"normalise": then.normalise, **then.params}
    b = {"normalise": now.normalise, **now.params}
    missing = object()
    names = [name for name in {**a, **b} if a.get(name, missing) != b.get(name, missing)]
    return [f"{name} was {a.get(name, 'not there')}, now it is {b.get(name, 'not there')}" for name in names]
