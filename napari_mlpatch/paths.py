"""Where the files that travel with the program lie: resources, sample data, benchmarks, the manifest."""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def bundled(name: str) -> Path:
    """The path of a file or folder shipped with the program, e.g. `bundled("sample_data")`.

    A wheel carries them inside the package; in a checkout they lie beside it.
    Raises FileNotFoundError when neither place has it.
    """
    places = (PACKAGE / name, PACKAGE.parent / name)
    for path in places:
        if path.exists():
            return path
    raise FileNotFoundError(
        f"{name!r} should come with napari-mlpatch, but is neither {places[0]} nor {places[1]}: "
        "reinstall the package, or complete the checkout"
    )
