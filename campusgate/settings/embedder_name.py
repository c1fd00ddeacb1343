"""The name of an embedder in a setting; one of an older version stands for what it was."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, TypeAlias

from pydantic import AfterValidator

_FORMER: Mapping[str, str] = MappingProxyType({"fused": "mobilefacenet+dlib-resnet"})
"""The names of older versions, and what these embedders are called now."""

EmbedderName: TypeAlias = Annotated[str, AfterValidator(lambda name: _FORMER.get(name, name))]
