"""``python -m napari_mlpatch.cli`` is the command ``mlpatch``."""

import sys

from . import main

sys.exit(main())
