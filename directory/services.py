"""What the directory's API works with, built once by the rim and put at `app.state.directory`."""

from dataclasses import dataclass, field

from database import Database, Sealer


@dataclass(frozen=True)
class DirectoryServices:
    """`credential_key` (32 bytes) is the site's: readers and the server digest cards, codes and PINs under it."""

    database: Database
    sealer: Sealer = field(repr=False)
    credential_key: bytes = field(repr=False)
