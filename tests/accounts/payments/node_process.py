"""A second implementation of a channel's wire format: a library of npm in a process of Node.js."""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests import npm_packages
from tests.waiting import PATIENCE_S


class NodeRefusedError(Exception):
    """The library would not; what it said."""


class NodeProcess:
    """The test's side: what it introduced itself with, where its provider's API is, and a way to have it do things."""

    def __init__(self, introduction: Mapping[str, Any]) -> None:
        self.introduction = introduction
        self.address = f"http://127.0.0.1:{introduction['port']}"

    def do(self, name: str, **given: Any) -> Any:
        """Have the library do something.

        Raises:
            NodeRefusedError: it threw.
        """
        answer = httpx.post(f"{self.address}/do/{name}", json=given, timeout=PATIENCE_S, trust_env=False)
        said = answer.raise_for_status().json()
        if "refused" in said:
            raise NodeRefusedError(said["refused"])
        return said.get("done")


@contextmanager
def running(script: Path, package: str, version: str, given: Mapping[str, str]) -> Iterator[NodeProcess]:
    """Run a script that finds the package; it ends with its standard input."""
    environment = {"PATH": os.environ["PATH"], "NODE_PATH": str(npm_packages.modules_of(package, version))}
    command = ["node", str(script), json.dumps(given)]
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield NodeProcess(json.loads(process.stdout.readline()))
        finally:
            process.stdin.close()
            process.wait(PATIENCE_S)
