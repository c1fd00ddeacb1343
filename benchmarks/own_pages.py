"""What a holder looks at: answers a second of the app's API and of one's own pages, on both databases.

    python -m benchmarks.own_pages [--database sqlite] [--seconds S] [--json]

Through the server of `campusgate serve` with all of its routes over real sockets, on the same cores as its clients,
which are wrk's. `server_ms` is the server's processor time for one answer. The holder has paid a hundred times.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import structlog
from sqlalchemy import select

from accounts.ledger import Transfer, record
from accounts.services import AccountsServices
from accounts.tables import Person
from benchmarks.payments import POSTGRESQL, SQLITE, Campus, opened
from benchmarks.report import Budget, Report, budget, present
from benchmarks.server_process import TOKEN_SECRET, serving
from benchmarks.wrk import press
from database import new_id
from tests.postgresql import PostgresqlMissingError, cluster

NEEDED_PER_S = 50
"""30,000 holders who each look once within ten minutes after a lecture."""
PATHS = {
    "api_me": "/api/v1/me",
    "api_wallet": "/api/v1/me/wallet",
    "api_statement": "/api/v1/me/statement",
    "page_home": "/console/me",
    "page_money": "/console/me/money",
    "page_cards": "/console/me/cards",
    "page_security": "/console/me/security",
}


def main() -> int:
    """Run the benchmark and print its report."""
    parser = argparse.ArgumentParser(prog="benchmarks.own_pages", description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--clients", type=int, default=16, help="browsers that wait for their answers")
    parser.add_argument("--seconds", type=float, default=3.0, help="length of each run")
    parser.add_argument("--database", choices=(SQLITE, POSTGRESQL), help="one of them alone")
    given = parser.parse_args()
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    figures: dict[str, float] = {"clients": given.clients, "seconds": given.seconds}
    peers: dict[str, float | str] = {}
    if given.database in (None, SQLITE):
        with tempfile.TemporaryDirectory(prefix="campusgate-benchmark-") as folder:
            figures |= measure(SQLITE, f"sqlite:///{Path(folder) / 'pages'}.db", given.clients, given.seconds)
    if given.database in (None, POSTGRESQL):
        try:
            with cluster() as server:
                figures |= measure(POSTGRESQL, server.create("pages"), given.clients, given.seconds)
        except PostgresqlMissingError as error:
            peers[POSTGRESQL] = str(error)
    return present(Report("own_pages", figures, list(_budgets(figures)), peers), as_json=given.json)


def measure(kind: str, address: str, clients: int, seconds: float) -> dict[str, float]:
    """Return the figures of one database."""
    figures: dict[str, float] = {}
    with opened(address) as campus, tempfile.TemporaryDirectory(prefix="campusgate-benchmark-") as folder:
        token = _sign_in(campus)
        headers = {"Authorization": f"Bearer {token}", "Cookie": f"campusgate_access={token}"}
        with serving(Path(folder), address) as server:
            for name, path in PATHS.items():
                # The first second finds templates, statements and plans to be made.
                for lasts in (1.0, seconds):
                    answered = press(
                        server, path, clients=clients, seconds=lasts, script="wrk_summary.lua", headers=headers
                    )
                figures |= answered.figures(f"{kind}_{name}")
    return figures


def _sign_in(campus: Campus) -> str:
    """Let a holder pay a hundred times, and return the access token of their sign-in."""
    now = datetime.now(UTC)
    with campus.database.begin() as session:
        person_id = session.scalars(select(Person.id).limit(1)).one()
        shop = campus.shops[0].terminal.merchant_id
        record(session, [Transfer(new_id(), "payment", person_id, shop, 1_200) for _ in range(100)], now)
    services = AccountsServices(database=campus.database, secret=TOKEN_SECRET)
    made = services.sign_in.begin(person_id, method="password", must_change_password=False, now=now)
    return made.access_token


def _budgets(figures: dict[str, float]) -> Iterator[Budget]:
    for name, got in figures.items():
        if name.endswith("_per_s"):
            what = name.removesuffix("_per_s").replace("_", " ")
            yield budget(f"{what} answers/s (30,000 holders within ten minutes)", got, "at least", NEEDED_PER_S)


if __name__ == "__main__":
    sys.exit(main())
