"""Reads a TOML file of settings, and says in one line what is wrong with it."""

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from campusgate.settings.names import require_known_keys

_T = TypeVar("_T")


def read_toml(path: Path, kind: Any, validate: Callable[[dict[str, Any]], _T], problem: type[Exception]) -> _T:
    """Return what `validate` makes of the file, which has no name that `kind`, a model or dataclass, does not have.

    Raises:
        problem: unreadable, no TOML, or a name or field is wrong; whatever else `validate` raises passes.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
        require_known_keys(values, kind, str(path), problem)
        return validate(values)
    except OSError as error:
        raise problem(f"{path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise problem(f"{path} is not TOML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise problem(f"{path}: {where + ': ' if where else ''}{first['msg']}") from error
