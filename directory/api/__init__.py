"""The HTTP API of the directory, below `/api/v1/directory`."""

from directory.api.routes import router

__all__ = ["router"]
