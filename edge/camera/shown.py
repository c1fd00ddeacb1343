"""What may be shown of a camera's address: cameras take passwords as user, as query and as a part of the path."""

import re

_STREAM = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]{0,15})://(.*)$", re.DOTALL)
_PLACE = re.compile(r"[A-Za-z0-9._-]+(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?")


def without_credentials(address: str) -> str:
    """Return `address` fit for a log: of a stream scheme, host and port alone; a device, file or folder as it is.

    Where it is not certain what the host is (a password with a slash in it), not even that.
    """
    if (stream := _STREAM.match(address)) is None:
        return "…" if "@" in address else address
    scheme, rest = stream.groups()
    authority, separator, beyond = re.match(r"([^/?#]*)([/?#]?)(.*)", rest, re.DOTALL).groups()  # type: ignore[union-attr]
    user, _, place = authority.rpartition("@")
    # A password with a slash ends the authority early: then what looks like the host may be a piece of the password.
    uncertain = not user and separator and "@" in beyond
    return f"{scheme}://…" if uncertain or not _PLACE.fullmatch(place) else f"{scheme}://{place}"


def has_credentials(address: str) -> bool:
    """Tell whether an address says who asks: by user, or by a query, which is where cameras take passwords too."""
    return _STREAM.match(address) is not None and any(mark in address for mark in "@?")
