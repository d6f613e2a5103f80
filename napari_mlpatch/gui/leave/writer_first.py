"""Our writer stands before napari's own, which takes `.tif` as well and knows nothing of recipes."""

from __future__ import annotations

import contextlib

from npe2 import PluginManager

PLUGIN = "napari-mlpatch"


def writer_first() -> None:
    """Let napari ask our writer first, in File > Save and in ``viewer.layers.save``.

    It hands on to napari's what is not ours. npe2 0.8 takes writers in the order in which plugins were registered, and
    has no public way to change it: where it is built differently, the dialog's list of formats is left as it is.
    """
    with contextlib.suppress(AttributeError, IndexError, TypeError):
        writers = PluginManager.instance()._contrib._writers
        writers.sort(key=lambda entry: entry[-1].plugin_name != PLUGIN)
