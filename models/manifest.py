"""The manifest of an installed model: which bytes came from where, and what they became."""

from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from models.files import published

_SHA256 = r"^[0-9a-f]{64}$"


class Manifest(BaseModel):
    """Stands beside the file it describes, as `NAME.json`. It is replaced in one step, so it names a whole file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    version: int
    source: str
    source_sha256: str = Field(pattern=_SHA256)
    format: str
    converter_version: int
    file: str = Field(pattern=r"^[A-Za-z0-9._-]+$")
    """In the manifest's own folder."""
    sha256: str = Field(pattern=_SHA256)

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """Return the manifest, or None when there is no readable one."""
        try:
            return cls.model_validate_json(path.read_bytes())
        except (FileNotFoundError, ValidationError):
            return None

    def write(self, path: Path) -> None:
        """Replace the manifest at `path`."""
        with published(path) as temporary:
            temporary.write_text(self.model_dump_json(indent=2) + "\n")
