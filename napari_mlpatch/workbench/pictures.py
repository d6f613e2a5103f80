"""What there is to see of a result, computed when somebody looks, and kept until the result changes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np

from napari_mlpatch.core.residuals import picture

from .entry import Entry
from .jobs import Latest, to_image
from .scene import Scene
from .selection import Other

KINDS = {"picture": "picture", "residual": "A x - y", "backprojected": "Aᵀ(A x - y)", "error": "error"}
"""What every problem has, in words. What else there is of a scene, such as the phase, is called by its own name."""
SIGNED = ("residual", "backprojected", "error")
MOST_BYTES = 512 * 2**20
"""Of pictures kept: beyond, what was not looked at for longest is made anew when it is."""

Then = Callable[[np.ndarray], None]


def kinds(scene: Scene | None) -> dict[str, str]:
    """What can be shown of the results of a scene: by kind, in words."""
    if scene is None:
        return {"picture": KINDS["picture"]}
    known = {k: words for k, words in KINDS.items() if k != "error" or scene.problem.truth is not None}
    return known | {name: name for name in scene.more}


def quantity(kind: str) -> str:
    """What the numbers of a kind of picture are, in words."""
    return "value" if kind == "picture" else KINDS.get(kind, kind)


class Pictures:
    """Real pictures ``[rows, columns]`` of results and of the truth, by kind; computed on a thread of their own.

    ``scene`` gives the present scene, whose truth "truth" is.
    """

    def __init__(
        self,
        post: Callable[[Callable[[], None]], None],
        scene: Callable[[], Scene | None],
        failed: Callable[[str], None],
    ):
        self._latest, self._scene, self._failed = Latest(post), scene, failed
        self._made: OrderedDict[tuple[int, str], tuple[Any, np.ndarray]] = OrderedDict()
        self._waiting: dict[tuple[int, str], tuple[Any, list[Then]]] = {}

    def get(self, of: Other, kind: str = "picture") -> np.ndarray | None:
        """What is there already, without computing anything. Not to be written to."""
        if kind == "picture":
            return self._frame(of)
        key, source = self._key(of, kind)
        made = self._made.get(key)
        if made is None or made[0] is not source:
            return None
        self._made.move_to_end(key)
        return made[1]

    def ask(self, of: Other, kind: str, then: Then) -> None:
        """Call ``then`` with the picture: at once where it is there, else when it is computed; never where it cannot.

        ``then`` is called on the GUI thread, and not where the result has changed meanwhile.
        """
        made = self.get(of, kind)
        if made is not None:
            then(made)
            return
        key, source = self._key(of, kind)
        scene = of.scene if isinstance(of, Entry) else self._scene()
        x = source.x if isinstance(of, Entry) and source is not None else source
        if scene is None or x is None or kind == "picture":
            return
        waiting = self._waiting.get(key)
        if waiting is not None:
            waiting[1].append(then)
            if waiting[0] is source:
                return
        self._waiting[key] = (source, waiting[1] if waiting else [then])
        self._latest.call(
            f"{key}",
            lambda: to_image(picture(x, scene.problem, kind)),
            lambda image: self._come(key, source, image),
            lambda error: self._fail(key, error),
        )

    def forget(self, entry: Entry) -> None:
        """Free what was made of a result."""
        for key in [key for key in self._made if key[0] == entry.id]:
            del self._made[key]

    def close(self) -> None:
        self._latest.close()

    def _frame(self, of: Other) -> np.ndarray | None:
        if isinstance(of, Entry):
            return of.frame
        scene = self._scene()
        return None if scene is None else scene.truth

    def _key(self, of: Other, kind: str) -> tuple[tuple[int, str], Any]:
        """Under what it is kept, and what it is made from."""
        if isinstance(of, Entry):
            return (of.id, kind), of.result
        scene = self._scene()
        return (0 if scene is None else scene.id, kind), None if scene is None else scene.problem.truth

    def _come(self, key: tuple[int, str], source: Any, image: np.ndarray) -> None:
        self._made[key] = (source, image)
        self._made.move_to_end(key)
        while sum(made[1].nbytes for made in self._made.values()) > MOST_BYTES and len(self._made) > 1:
            self._made.popitem(last=False)
        for then in self._waiting.pop(key)[1]:
            then(image)

    def _fail(self, key: tuple[int, str], error: Exception) -> None:
        self._waiting.pop(key, None)
        self._failed(str(error))
