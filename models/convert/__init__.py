"""Conversion of published weights to ONNX."""

from models.convert.converters import CONVERTERS, Converter
from models.convert.error import ConversionError

__all__ = ["CONVERTERS", "ConversionError", "Converter"]
