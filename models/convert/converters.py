"""The converters by the format of their source."""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Converter:
    """How files of one format become files that an engine loads."""

    suffix: str
    """Of the file that comes out."""
    version: int
    """Raised whenever the same source would give another result: stores then convert again."""
    module: str | None
    """Where its `convert` is; None leaves the file as it is."""

    def convert(self, source: Path, target: Path) -> None:
        """Write the converted file.

        Raises:
            ConversionError: the source is not what it should be.
            OSError: the target cannot be written.
        """
        if self.module is None:
            target.write_bytes(source.read_bytes())
            return
        # A start that finds every model installed needs neither `onnx` nor `tflite2onnx`.
        model = importlib.import_module(self.module).convert(source)
        importlib.import_module("models.convert.prelu").expand_prelu(model)
        target.write_bytes(model.SerializeToString(deterministic=True))


CONVERTERS: Mapping[str, Converter] = MappingProxyType(
    {
        "tflite": Converter(".onnx", 4, "models.convert.tflite"),
        "dlib": Converter(".onnx", 1, "models.convert.dlib"),
        "minifasnet": Converter(".onnx", 4, "models.convert.minifasnet"),
        "onnx-blockquant": Converter(".onnx", 2, "models.convert.blockquant"),
        "onnx-classifier": Converter(".onnx", 1, "models.convert.classifier"),
        "onnx": Converter(".onnx", 1, None),
    }
)
