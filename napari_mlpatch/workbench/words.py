"""Times and sizes as the window writes them."""


def duration(seconds: float) -> str:
    if seconds < 1:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 100:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.1f} min"


def size(count: float) -> str:
    return f"{count / 2**20:.0f} MiB" if count < 2**30 else f"{count / 2**30:.1f} GiB"


def between(low: float, high: float) -> str:
    """A span of seconds, with the unit once where it is the same."""
    a, b = duration(low), duration(high)
    if a == b:
        return f"about {a}"
    number, _, unit = a.partition(" ")
    return f"{number} to {b}" if unit and unit == b.partition(" ")[2] else f"{a} to {b}"
