"""``python -m napari_mlpatch`` is the command ``mlpatch``."""

import sys

from napari_mlpatch.cli import main

if __name__ == "__main__":
    sys.exit(main())
