"""ONNX Runtime sessions as this house uses them: one input, named nowhere, and a chosen number of threads."""

import os
from pathlib import Path
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

# Otherwise importing it writes an id of this machine and begins to gather events for its maker (1.32 for Linux); by the
# time its own `disable_telemetry_events` can be called that has happened.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime as ort

Tensor: TypeAlias = npt.NDArray[np.float32]


class ModelFiles(Protocol):
    """Where converted models are; `models.store.ModelStore` is one."""

    def path(self, name: str) -> Path:
        """Return the verified ONNX file of the model `name`."""


def thread_count(threads: int) -> int:
    """Return `threads`, or the number of cores this process may use when it is 0.

    Raises:
        ValueError: it is negative.
    """
    if threads < 0:
        raise ValueError(f"threads is 0 (one for each core) or more, not {threads}")
    return threads or len(os.sched_getaffinity(0))


class Network:
    """A network of one input, on the processor. Calls from several threads at once are safe."""

    def __init__(self, path: Path, *, threads: int = 0) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = thread_count(threads)
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # Several networks run one after another: threads that spin after a run take the cores from the next one.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        given = self._session.get_inputs()[0]
        self._input = given.name
        self.fixed_batch: int | None = given.shape[0] if isinstance(given.shape[0], int) else None

    def __call__(self, batch: Tensor) -> list[Tensor]:
        """Run `batch` (N, …) and return the outputs in the network's order, each (N, …).

        A network converted with a fixed batch is fed in slices of it, the last one filled up with zeros.
        """
        fixed = self.fixed_batch
        if fixed is None or len(batch) == fixed:
            return self._run(batch)
        slices = []
        for start in range(0, len(batch), fixed):
            part = batch[start : start + fixed]
            filled = np.zeros((fixed, *batch.shape[1:]), np.float32)
            filled[: len(part)] = part
            slices.append([output[: len(part)] for output in self._run(filled)])
        return [np.concatenate(outputs) for outputs in zip(*slices, strict=True)]

    def _run(self, batch: Tensor) -> list[Tensor]:
        return [np.asarray(output, np.float32) for output in self._session.run(None, {self._input: batch})]


def sigmoid(logits: Tensor) -> Tensor:
    """Return 1 / (1 + e^-x); logits beyond ±80 are cut, where float32 would overflow."""
    return np.float32(1) / (np.float32(1) + np.exp(-np.clip(logits, np.float32(-80), np.float32(80))))
