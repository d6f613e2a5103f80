"""Image sources: one file is one source, a frozen pydantic dataclass under ``@sources.register``."""

from .source import Images, Source, description_of, source_of

__all__ = ["Images", "Source", "description_of", "source_of"]
