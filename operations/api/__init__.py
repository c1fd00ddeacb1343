"""The HTTP API of the operations, below `/api/v1/operations`."""

from operations.api.routes import router

__all__ = ["router"]
