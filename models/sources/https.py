"""Files from an upstream address, resumed where an earlier download broke off."""

import hashlib
import re
import shutil
from pathlib import Path, PurePosixPath

import httpx

from models.sources.archive import extract
from models.sources.error import SourceError
from models.sources.progress import Progress
from models.sources.spec import Spec

_LARGEST = 2 * 1024**3
_ATTEMPTS = 3
_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")


class HttpsSource:
    """Keeps what arrived in `partial` until the whole file is there; the next attempt asks for the rest only."""

    def __init__(self, partial: Path, client: httpx.Client) -> None:
        self._partial = partial
        self._client = client

    def fetch(self, spec: Spec, target: Path, *, resume: bool, progress: Progress) -> None:
        """Write the file to `target`.

        `resume` may only be true when the caller knows the file's digest: the rest may belong to a newer file.

        Raises:
            SourceError: the address does not answer with the file; what arrived is kept for the next attempt.
        """
        address_digest = hashlib.sha256(spec.package.encode()).hexdigest()
        part = self._partial / f"{address_digest[:16]}-{PurePosixPath(spec.package).name}.part"
        part.parent.mkdir(parents=True, exist_ok=True)
        if not resume:
            part.unlink(missing_ok=True)
        reasons: list[str] = []
        for _ in range(_ATTEMPTS if resume else 1):
            try:
                self._download(spec.package, part, progress)
            except (httpx.TransportError, httpx.TooManyRedirects) as error:
                reasons.append(str(error) or type(error).__name__)
            else:
                _take(part, spec, target)
                return
        raise SourceError(reasons[-1])

    def _download(self, address: str, part: Path, progress: Progress) -> None:
        have = part.stat().st_size if part.exists() else 0
        # Compressed bytes could not be counted, nor resumed.
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
        with self._client.stream("GET", address, headers=headers) as response:
            if response.url.scheme != "https":
                raise SourceError(f"it redirects to {response.url}, which is not https")
            if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE and have:
                # All of it had arrived already, or it was another file: the digest decides.
                return
            if response.is_error:
                raise SourceError(f"HTTP status {response.status_code}")
            start = _start(response, have)
            total = _total(response, start)
            with part.open("r+b" if start else "wb") as file:
                file.truncate(start)
                file.seek(start)
                for chunk in response.iter_bytes():
                    file.write(chunk)
                    start += len(chunk)
                    if start > _LARGEST:
                        raise SourceError("it sends more bytes than any model has")
                    progress("downloading", start, total)
        if total is not None and start < total:
            raise httpx.ReadError(f"the connection ended after {start} of {total} bytes")


def _take(part: Path, spec: Spec, target: Path) -> None:
    """Move a whole download to `target`; nothing of it stays, so a wrong one is not resumed."""
    if not spec.is_member:
        shutil.move(part, target)
        return
    try:
        extract(part, spec.path, target)
    finally:
        part.unlink(missing_ok=True)


def _start(response: httpx.Response, have: int) -> int:
    """Return the offset of the answer's first byte: servers may ignore a wish to resume."""
    if response.status_code != httpx.codes.PARTIAL_CONTENT:
        return 0
    match = _RANGE.fullmatch(response.headers.get("Content-Range", ""))
    if match is None or int(match[1]) != have:
        raise SourceError("it answers with another part of the file than the one asked for")
    return have


def _total(response: httpx.Response, start: int) -> int | None:
    length = response.headers.get("Content-Length")
    return start + int(length) if length and length.isdigit() else None
