"""Operators of TensorFlow Lite that `tflite2onnx` does not know, written for its registry: importing this adds them."""

from typing import ClassVar

import tflite
from tflite2onnx.layout import Layout
from tflite2onnx.op import Activation, Operator, OpFactory


class HardSwish(Activation):  # type: ignore[misc]  # the library is untyped
    """x · hard_sigmoid(x): here its second factor; `models.convert.tflite` multiplies it by x."""

    TypeMapping: ClassVar[dict[int, str]] = {tflite.BuiltinOperator.HARD_SWISH: "HardSigmoid"}

    def convert(self) -> None:
        """Set the slope and offset of TensorFlow's hard sigmoid."""
        self.attrs.update(alpha=1 / 6, beta=0.5)
        super().convert()


class TransposedConvolutionWithBias(Operator):  # type: ignore[misc]
    """MediaPipe's own `Convolution2DTransposeBias`, the last layer of its segmentation: 2 × 2 with stride 2."""

    TypeMapping: ClassVar[dict[int, str]] = {tflite.BuiltinOperator.CUSTOM: "ConvTranspose"}

    def __init__(self, factory: object, index: int) -> None:
        super().__init__(factory, index)
        self.attrs.update(group=1, kernel_shape=[2, 2], strides=[2, 2])
        self.setInited()

    @property
    def type(self) -> str:
        """Name of the ONNX operator."""
        return "ConvTranspose"

    def parse(self) -> None:
        """Read input, kernel and bias.

        Raises:
            NotImplementedError: another custom operator, or a kernel other than 2 × 2.
        """
        name = self.model.OperatorCodes(self.tflite.OpcodeIndex()).CustomCode()
        if name != b"Convolution2DTransposeBias":
            raise NotImplementedError(f"the custom operator {name!r}")
        self.parseInput(0, Layout("NHWC", "NCHW"))
        kernel = self.parseInput(1, Layout("OHWI", "IOHW"))
        if list(kernel.shape[1:3]) != [2, 2]:
            raise NotImplementedError(f"{name!r} with a kernel of shape {kernel.shape}")
        self.parseInput(2, is_bias=True)
        self.parseOutput(0, Layout("NHWC", "NCHW"))
        self.setParsed()

    def propagatableTensors(self) -> list[object]:  # noqa: N802 - the library's name
        """Return none: the layout is set by hand."""
        return []

    def transform(self) -> None:
        """Nothing depends on the layout."""


OpFactory.register(HardSwish)
OpFactory.register(TransposedConvolutionWithBias)
