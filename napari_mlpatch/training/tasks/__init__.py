"""Training tasks: one file is one thing to learn, a frozen pydantic dataclass under ``@tasks.register``."""

from .denoise import Denoise
from .reconstruct import Reconstruct
from .task import Task, task_of

__all__ = ["Denoise", "Reconstruct", "Task", "task_of"]
