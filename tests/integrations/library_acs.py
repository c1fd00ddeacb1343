"""A library's system of its own, by the codec and server of `pysip2`, as a process: `python -m …library_acs ENCODING`.

It says its port on a line, then takes orders on its standard input, one JSON object a line, and answers each with one.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

LOGIN, PASSWORD = "campus", "only the library knows"


def main(encoding: str) -> None:
    """Serve until the standard input ends."""
    import anyio
    from pysip2 import (
        FEE_PAID,
        PATRON_INFORMATION,
        FeePaidRequest,
        FeePaidResponse,
        LoginRequest,
        LoginResponse,
        PatronInformationRequest,
        PatronInformationResponse,
        SIP2Server,
    )
    from pysip2 import LOGIN as SIGN_IN

    owed: dict[str, dict[str, int]] = {}
    booked: list[dict[str, Any]] = []
    state = {"refuses": False, "knows_transactions": True}
    server = SIP2Server(encoding=encoding, login_required=True, institution_id="LIB")

    @server.route(SIGN_IN)
    def sign_in(request: LoginRequest, _: object) -> LoginResponse:
        return LoginResponse(ok="1" if (request.login_user_id, request.login_password) == (LOGIN, PASSWORD) else "0")

    @server.route(PATRON_INFORMATION)
    def tell(request: PatronInformationRequest, _: object) -> PatronInformationResponse:
        fines = owed.get(request.patron_identifier)
        fen = sum((fines or {}).values())
        return PatronInformationResponse(
            patron_status=" " * 14,
            language="019",
            transaction_date=request.transaction_date,
            hold_items_count="0000",
            overdue_items_count="0000",
            charged_items_count="0000",
            fine_items_count=f"{len(fines or {}):04}",
            recall_items_count="0000",
            unavailable_holds_count="0000",
            institution_id=request.institution_id,
            patron_identifier=request.patron_identifier,
            personal_name="张三",
            valid_patron="N" if fines is None else "Y",
            currency_type="CNY",
            fee_amount=f"{fen / 100:.2f}",
            fine_items=tuple(fines or {}) if request.summary[3] == "Y" else (),
        )

    @server.route(FEE_PAID)
    def book(request: FeePaidRequest, _: object) -> FeePaidResponse:
        fines = owed.get(request.patron_identifier, {})
        known = any(one["transaction"] == request.transaction_id for one in booked) and state["knows_transactions"]
        pays = round(float(request.fee_amount) * 100) == sum(fines.values()) > 0
        is_accepted = known or (pays and not state["refuses"])
        if is_accepted and not known:
            booked.append(
                {
                    "patron": request.patron_identifier,
                    "amount": request.fee_amount,
                    "transaction": request.transaction_id,
                    "fee": request.fee_identifier,
                }
            )
            fines.clear()
        return FeePaidResponse(
            payment_accepted="Y" if is_accepted else "N",
            transaction_date=request.transaction_date,
            institution_id=request.institution_id,
            patron_identifier=request.patron_identifier,
            transaction_id=request.transaction_id,
        )

    def obey(order: dict[str, Any]) -> Any:
        match order:
            case {"owe": patron, "fines": fines}:
                owed[patron] = fines
            case {"set": changes}:
                state.update(changes)
            case {"booked": patron}:
                return [one for one in booked if one["patron"] == patron]
        return None

    def take_orders() -> None:
        for line in sys.stdin:
            _say(json.dumps(obey(json.loads(line))))

    async def serve() -> None:
        async with server.start() as port:
            _say(str(port))
            await anyio.to_thread.run_sync(take_orders)

    anyio.run(serve)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


class LibraryAcs:
    """The process, and orders to it."""

    def __init__(self, process: "subprocess.Popen[str]", port: int) -> None:
        self._process, self.port = process, port

    def owe(self, patron: str, **fines: int) -> None:
        """Let a patron owe fines, in fen by their names; without any the library knows them and they owe nothing."""
        self._obey({"owe": patron, "fines": fines})

    def set(self, **changes: bool) -> None:
        """Let it refuse payments (`refuses`), or not know those that it has booked (`knows_transactions`)."""
        self._obey({"set": changes})

    def booked(self, patron: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._obey({"booked": patron})
        return found

    def _obey(self, order: dict[str, Any]) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


@contextmanager
def running_library(encoding: str = "utf-8") -> Iterator[LibraryAcs]:
    """The library's system in a process of its own."""
    command = [sys.executable, "-m", "tests.integrations.library_acs", encoding]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield LibraryAcs(process, int(process.stdout.readline()))
        finally:
            process.stdin.close()
            process.wait(timeout=30)


if __name__ == "__main__":
    main(sys.argv[1])
