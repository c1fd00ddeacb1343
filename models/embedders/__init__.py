"""Embedders: networks that turn an aligned face into a vector, behind one port; one file for each."""

from models.embedders.port import Embedder

__all__ = ["Embedder"]
