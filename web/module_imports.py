"""What an ES module imports, so that a browser can load all of it at once instead of one import after the other."""

import re
from pathlib import Path

_STATIC_IMPORT = re.compile(
    r"""^(?:import\b(?!\s*\()|export\b[^"';=]*\bfrom\b)[^"';]*["'](\.{1,2}/[^"']+)["']""", re.MULTILINE
)


def find_imports(folder: Path, module: str) -> tuple[str, ...]:
    """Return what `module` imports, and what that imports in turn, the nearest first, as paths within `folder`.

    What is fetched only when it is wanted (`import()`) is left out. Raises FileNotFoundError for what is not there.
    """
    root = folder.resolve()
    found = [module]
    for one in found:
        file = root / one
        for address in _STATIC_IMPORT.findall(file.read_text(encoding="utf-8")):
            imported = (file.parent / address).resolve().relative_to(root).as_posix()
            if imported not in found:
                found.append(imported)
    return tuple(found[1:])
