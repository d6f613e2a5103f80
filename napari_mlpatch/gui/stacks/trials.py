"""What is tried before all slices are run: five of them, their axis, and one of them with and without care."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_mlpatch.core.errors import InputError
from napari_mlpatch.gui.plumbing.notify import show_error
from napari_mlpatch.workbench.jobs import contrast_limits

from .pictures import PictureWindow, Shown

if TYPE_CHECKING:
    from napari_mlpatch.stacks.look import Cared
    from napari_mlpatch.stacks.stack_recipe import StackRecipe

    from .all_slices_dock import AllSlicesDock


class Trials:
    """``strip`` and ``cared`` are the windows, made when they are first asked for."""

    def __init__(self, dock: AllSlicesDock):
        self.dock = dock
        self.strip: PictureWindow | None = None
        self.cared: PictureWindow | None = None
        self.pictures: dict[int, np.ndarray] = {}
        """Of the strip, by the number of the slice."""

    def _recipe(self) -> StackRecipe | None:
        """What the form says; None where that makes no sense, which is told."""
        try:
            return self.dock.recipe()
        except InputError as error:
            show_error(str(error))
            return None

    # ---- five slices ----------------------------------------------------------------------------------------

    def show_strip(self) -> None:
        from napari_mlpatch.stacks.look import spread

        dock, recipe = self.dock, self._recipe()
        if recipe is None:
            return
        assert dock.base is not None and dock.facts is not None
        wanted = spread(*recipe.range(dock.facts.count), places=dock.facts.places)
        self.pictures = {}
        self.strip = self.strip or PictureWindow(dock, self._on_canvas)

        def came(index: int, picture: np.ndarray) -> None:
            self.pictures[index] = picture
            self._draw_strip(recipe, wanted)

        def failed(text: str) -> None:
            self._draw_strip(recipe, wanted, text)

        self._draw_strip(recipe, wanted)
        dock.stacks.strip(recipe, dock.base.source, wanted, came, lambda: self._draw_strip(recipe, wanted), failed)

    def _draw_strip(self, recipe: StackRecipe, wanted: list[int], trouble: str = "") -> None:
        assert self.strip is not None
        limits = self.dock.base.limits if self.dock.base is not None else None
        if limits is None and self.pictures:
            limits = contrast_limits(np.stack(list(self.pictures.values())))
        row = [
            Shown(f"slice {k}", self.pictures.get(k), limits or (0.0, 1.0), recipe=recipe.of_slice(k)) for k in wanted
        ]
        note = trouble or (
            "Every picture with one contrast. Where all are sharp, the same recipe does for all slices."
            if len(self.pictures) == len(wanted)
            else f"{len(self.pictures)} of {len(wanted)}…"
        )
        self.strip.show_rows("Five slices", [row], note)

    # ---- care -----------------------------------------------------------------------------------------------

    def show_care(self) -> None:
        from napari_mlpatch.stacks.look import cared_slice, spread

        dock, recipe = self.dock, self._recipe()
        if recipe is None:
            return
        base, facts = dock.base, dock.facts
        assert base is not None and facts is not None
        first, last = recipe.range(facts.count)
        index = -1 if base.slice is None else facts.place(base.slice)
        if not first <= index < last:
            there = spread(first, last, last - first, facts.places)
            index = there[len(there) // 2]
        dock.estimate.setText(f"Slice {index} with and without care…")

        def failed(text: str) -> None:
            dock._say()
            show_error(text)

        def drawn(made: Cared) -> None:
            self._draw_care(recipe, made)

        dock.stacks.ask("care", lambda: cared_slice(recipe, base.source, index), drawn, failed)

    def _draw_care(self, recipe: StackRecipe, made: Cared) -> None:
        self.dock._say()
        self.cared = self.cared or PictureWindow(self.dock, self._on_canvas)
        plain = recipe.model_copy(update={"care": ()})
        rows = [
            _three("sinogram", made.before, made.after),
            _three(
                "picture",
                made.picture_before,
                made.picture_after,
                (plain.of_slice(made.index), recipe.of_slice(made.index)),
            ),
        ]
        note = f"Slice {made.index}: before, after, and what was taken off, of the sinogram and of the picture."
        self.cared.show_rows("Care of the sinograms", rows, note)

    # ---- the axis -------------------------------------------------------------------------------------------

    def find_axis(self) -> None:
        """Put the line of the centres of five slices into the form."""
        from napari_mlpatch.stacks.look import axis_of

        dock, base = self.dock, self.dock.base
        if base is None:
            return

        dock.estimate.setText("Finding the centres of five slices…")

        def found(line: Any) -> None:
            count = 0 if dock.facts is None else dock.facts.count
            first, last = (round(float(value), 3) for value in line.at([0, count - 1]))
            dock.center.set_center("linear", first, last)
            out = f", {len(line.left_out)} of 5 left out" if line.left_out else ""
            out += f"; {line.note}" if line.note else ""
            dock.estimate.setText(
                f"The axis leans by {line.tilt_deg:.3g}°; the centres lie {line.residual:.2g} bins off the line{out}."
            )

        def failed(text: str) -> None:
            dock._say()
            show_error(text)

        dock.stacks.ask("axis", lambda: axis_of(base.recipe, base.source), found, failed)

    def _on_canvas(self, shown: Shown) -> None:
        """As a layer of its own, to be looked at closely."""
        viewer = self.dock.viewer
        for layer in viewer.layers:
            layer.visible = False
        viewer.canvas.grid.enabled = False
        viewer.add_image(
            shown.picture,
            name=shown.caption,
            contrast_limits=shown.limits,
            metadata={"mlpatch": {"role": "trial", "recipe": shown.recipe}},
        )
        viewer.reset_view()


def _three(
    what: str, before: np.ndarray | None, after: np.ndarray, recipes: tuple[Any, Any] = (None, None)
) -> list[Shown]:
    limits = contrast_limits(after)
    same = before is not None and before.shape == after.shape
    row = [
        Shown(f"{what} before", before, limits, recipe=recipes[0]),
        Shown(f"{what} after", after, limits, recipe=recipes[1]),
    ]
    if same:
        off = before - after
        size = max(abs(one) for one in contrast_limits(off)) or 1.0
        row.append(Shown("taken off", off, (-size, size)))
    return row
