"""Style sheets, scripts and drawings: compressed, and kept by browsers until their content changes.

The address holds a digest of everything in the folder, so that whatever a page of one release loads belongs to that
release, also the modules that import each other by relative address.
"""

import gzip
import hashlib
import os
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from web.compression import takes_gzip
from web.module_imports import find_imports

_COMPRESSED = frozenset({".css", ".js", ".svg"})
_A_YEAR = "public, max-age=31536000, immutable"


def _digest(folder: Path) -> str:
    made = hashlib.sha256()
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            made.update(file.relative_to(folder).as_posix().encode() + b"\0" + file.read_bytes())
    return made.hexdigest()[:12]


class CompressedFiles(StaticFiles):
    """Files whose address holds their digest: text compressed once, everything cacheable for a year."""

    def __init__(self, folder: Path, prefix: str) -> None:
        """Take the folder, and the beginning of its address; `mount_path` is that with the folder's digest."""
        super().__init__(directory=folder)
        self.mount_path = f"{prefix}/{_digest(folder)}"
        self._folder = folder
        self._compressed: dict[tuple[str, float], bytes] = {}
        self._imports: dict[str, tuple[str, ...]] = {}

    def imports_of(self, module: str) -> tuple[str, ...]:
        """Return the paths of all that a module imports, directly or not; see `find_imports`."""
        if module not in self._imports:
            self._imports[module] = find_imports(self._folder, module)
        return self._imports[module]

    def file_response(
        self, full_path: str | os.PathLike[str], stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        """Return the file, compressed where the browser takes that."""
        response = super().file_response(full_path, stat_result, scope, status_code)
        path = Path(full_path)
        if path.suffix in _COMPRESSED:
            if takes_gzip(Headers(scope=scope)) and isinstance(response, FileResponse):
                response = self._compress(path, stat_result, response)
            response.headers["Vary"] = "Accept-Encoding"
        response.headers["Cache-Control"] = _A_YEAR
        return response

    def _compress(self, path: Path, stat_result: os.stat_result, plain: FileResponse) -> Response:
        key = (str(path), stat_result.st_mtime)
        if key not in self._compressed:
            self._compressed[key] = gzip.compress(path.read_bytes(), mtime=0)
        made = Response(self._compressed[key], media_type=plain.media_type)
        made.headers["Content-Encoding"] = "gzip"
        made.headers["ETag"] = plain.headers["ETag"]
        return made
