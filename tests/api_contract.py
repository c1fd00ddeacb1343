"""An API against its own description: which requests are tried, and what an answer must be."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import SearchStrategy
from schemathesis import Case, GenerationMode

from web import problems
from web.problems import MEDIA_TYPE

_NO_OPERATION = {(404, "not_found"), (405, "method_not_allowed")}
"""A random path may leave the operation altogether."""


Request = tuple[Case, dict[str, Any]]
"""A request, and what was drawn beside it."""


class Contract:
    """What an app's OpenAPI says of its operations."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app
        self.schema = app.openapi()

    def operations(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Every path, method and description."""
        for path, methods in self.schema["paths"].items():
            for method, operation in methods.items():
                yield path, method, operation

    def schemes(self, path: str, method: str) -> set[str]:
        """Who may ask: the names of the security schemes."""
        return {name for one in self.schema["paths"][path][method].get("security", []) for name in one}

    def documented(self, path: str, method: str) -> dict[int, set[str]]:
        """The problem codes of an operation, by status."""
        answers = self.schema["paths"][path][method]["responses"]
        return {
            int(status): set(answer["content"][MEDIA_TYPE]["schema"]["properties"]["code"]["enum"])
            for status, answer in answers.items()
            if int(status) >= 400
        }

    def judge(self, path: str, method: str, answer: Any) -> None:
        """Hold an answer against the description; only `503` may be the server's fault, and only where it is said."""
        what = f"{method} {path}: {answer.status_code} {answer.text}"
        assert answer.status_code < 500 or answer.status_code == 503, what
        if answer.status_code < 400:
            assert str(answer.status_code) in self.schema["paths"][path][method]["responses"], what
            return
        content_type = answer.headers["content-type"]
        assert content_type in (MEDIA_TYPE, [MEDIA_TYPE]), what
        code = answer.json()["code"]
        if (answer.status_code, code) not in _NO_OPERATION:
            assert code in self.documented(path, method).get(answer.status_code, set()), f"{what} is not documented"

    def random_requests(self, *, examples: int, **chosen: SearchStrategy[Any]) -> list[Request]:
        """Make the same random requests to every operation at each run, with right and wrong bodies."""
        made: list[Request] = []
        bounded = settings(
            max_examples=examples, deadline=None, derandomize=True, database=None,
            phases=[Phase.generate], suppress_health_check=list(HealthCheck),
        )  # fmt: skip

        def keep(case: Case, **given_: Any) -> None:
            made.append((case, given_))

        for found in schemathesis.openapi.from_asgi("/openapi.json", self.app).get_all_operations():
            operation = found.ok()
            cases = operation.as_strategy()
            if operation.body:
                cases |= operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)
            bounded(given(case=cases, **chosen)(keep))()
        return made

    def try_requests(self, ask: Callable[..., Any], requests: Iterable[Request]) -> set[tuple[str, str]]:
        """Judge what `ask(case, **chosen)` answers to requests.

        Returns:
            The path and method of every operation that was asked.
        """
        tried = set()
        for case, given_ in requests:
            path, method = case.operation.path, case.operation.method.lower()
            tried.add((path, method))
            answer = ask(case, **given_)
            try:
                self.judge(path, method, answer)
            except AssertionError as error:
                error.add_note(f"{case.as_curl_command()} {given_}")
                raise
        return tried

    def check_descriptions(self) -> None:
        """Every operation says what it is for and which errors it has, under the statuses that they really have."""
        known = {error.code: error for error in problems.list_known()}
        for path, method, operation in self.operations():
            where, documented = f"{method} {path}", self.documented(path, method)
            assert operation.get("tags"), f"{where}: no tag"
            assert operation.get("description"), f"{where}: no description"
            assert "invalid_request" in documented.get(422, set()), where
            for status, codes in documented.items():
                assert {known[code].status for code in codes} == {status}, where
            if operation.get("security"):
                assert 401 in documented, f"{where}: secured, but no 401"

    def problem_table(self, *, everywhere_above: int) -> list[str]:
        """Every problem and the tags of the operations that answer with it, as a table in Markdown."""
        used: dict[str, set[str]] = {}
        for path, method, operation in self.operations():
            for code in set().union(*self.documented(path, method).values()):
                used.setdefault(code, set()).add(operation["tags"][0])
        table = ["| Code | Status | Meaning | Where |", "|---|---|---|---|"]
        for error in problems.list_known():
            if error.code in used:
                tags = used[error.code]
                where = "everywhere" if len(tags) > everywhere_above else ", ".join(sorted(tags))
                table.append(f"| `{error.code}` | {error.status} | {error.title} | {where} |")
        return table
