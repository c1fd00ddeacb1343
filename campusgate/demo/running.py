"""What other programs on this machine need to take part in a demonstration that runs: where it is, and who is there.

It is left once the day is over, in the demonstration's own folder, which only its user may read, and is gone with the
next demonstration.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self

from campusgate.demo.campus import CARD, EXIT_GATE, GATE, PEOPLE, ZONE
from campusgate.demo.stage import Stage
from errors import OperatorError

_FILE = "running.json"


class NotRunningError(OperatorError):
    """No demonstration that is over its day runs in the data directory that was looked at."""


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody whom a visitor can be; see `personas.Persona`."""

    number: str
    name: str
    password: str = field(repr=False)
    digits: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class RunningDemonstration:
    """Addresses, accounts and secrets of one demonstration."""

    server_url: str
    database_url: str
    gate: str
    exit_gate: str
    zone: str
    reader_port: int
    """Takes lines like `card UID`, see `Stage.at_the_reader`."""
    exit_reader_port: int
    shower_reader_port: int
    kiosk_token: str = field(repr=False)
    accounts: Mapping[str, Account]
    """By the part that they play: `guard`, `cashier`, `admin`, `reviewer`, `holder`, `resident`, `newcomer`."""
    cards: Mapping[str, str]
    """The UID of each person's card, by number."""

    @classmethod
    def of(cls, stage: Stage) -> Self:
        """Describe the demonstration that plays on `stage`."""
        campus, cast = stage.campus, stage.cast
        parts = ("guard", "cashier", "admin", "reviewer", "holder", "resident", "newcomer")
        personas = {part: getattr(campus.personas, part) for part in parts}
        return cls(
            server_url=campus.server_url,
            database_url=campus.database_url,
            gate=GATE,
            exit_gate=EXIT_GATE,
            zone=ZONE,
            reader_port=cast.reader_port,
            exit_reader_port=cast.exit_reader_port,
            shower_reader_port=cast.shower_reader_port,
            kiosk_token=campus.kiosk_token,
            accounts={part: Account(one.number, one.name, one.password, one.digits) for part, one in personas.items()},
            cards={PEOPLE[key].number: uid for key, uid in CARD.items()},
        )

    def write(self, folder: Path) -> None:
        """Leave it in the demonstration's folder, for its own user alone."""
        file = folder / _FILE
        file.touch(mode=0o600)
        file.write_text(json.dumps(asdict(self), ensure_ascii=False, indent=1), encoding="utf-8")

    @classmethod
    def find(cls, data_dir: Path) -> Self:
        """Return the one that was started in `data_dir`.

        Raises:
            NotRunningError: there is none.
        """
        try:
            told = json.loads((data_dir / "demo" / _FILE).read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise NotRunningError(
                f"no demonstration runs in {data_dir}, or its day is not over: `campusgate demo` starts one"
            ) from error
        accounts = {part: Account(**one) for part, one in told.pop("accounts").items()}
        return cls(accounts=accounts, **told)
