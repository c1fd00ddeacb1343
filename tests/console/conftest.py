"""Servers with the pages for each test or module, and windows of a real browser in front of them."""

import inspect
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bus import Backoff, BrokerAddress, Connection
from bus.embedded import EmbeddedBroker
from database import Database
from messages import NonceStore, Signer, TrustedKey, controller_sender
from models.engine import FaceEngine
from models.store import ModelStore
from operations.board import Board
from operations.dispatch import Dispatcher
from operations.ingest import Ingest
from tests.console.browser_thread import BrowserThread
from tests.console.page_server import PASSWORD, Pages, install_gate, serve
from tests.databases import copied
from tests.waiting import PATIENCE_S, until

SETTLES_WITHIN_MS = 20_000
"""How long a page may take on a machine that is busy with other things; nothing waits so long when all is well."""


@pytest.fixture
def console(database: Database) -> Iterator[Pages]:
    """The pages of a server that has no gates behind it."""
    with serve(database, Board(), None) as console:
        yield console


@pytest.fixture(scope="module")
def served_pages(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    """One server without gates for the tests of a module; each test makes the people and things it asks about."""
    database = copied(sqlite_template, tmp_path_factory.mktemp("pages"))
    with serve(database, Board(), None) as console:
        yield console
    database.close()


@pytest.fixture
def campus(database: Database, tmp_path: Path) -> Iterator[Pages]:
    """The pages of a server with a broker and two real gate controllers, north and south, behind it."""
    keys = {name: Ed25519PrivateKey.generate() for name in ("staff", "north", "south")}
    board = Board()
    with EmbeddedBroker(port=0) as broker, closing(NonceStore(tmp_path / "nonces.db")) as nonces:
        address = BrokerAddress(port=broker.port)
        bus = Connection(address, "server", backoff=Backoff(0.05, 0.2, 0.2))
        trusted = {controller_sender(gate): TrustedKey(keys[gate].public_key()) for gate in ("north", "south")}
        signer = Signer(keys["staff"], "staff", nonces)
        dispatcher = Dispatcher(bus, "main", signer, trusted, board)
        ingest = Ingest(bus, "main", database, board)
        ingest.start()
        bus.start()
        bus.wait_connected(PATIENCE_S)
        with serve(database, board, dispatcher) as console:
            for gate in ("north", "south"):
                install_gate(console, gate, address, keys, tmp_path / gate)
            until(lambda: len([view for view in board.views() if view.door and view.controller == "online"]) == 2)
            yield console
            for controller in console.controllers.values():
                controller.stop()
        bus.stop()
        ingest.stop()


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a test that drives a browser in the browser's thread."""
    thread = pyfuncitem.funcargs.get("browser_thread")
    if thread is None:
        return None
    given = {name: pyfuncitem.funcargs[name] for name in inspect.signature(pyfuncitem.obj).parameters}
    thread.run(lambda: pyfuncitem.obj(**given))
    return True


@pytest.fixture(scope="session")
def browser_thread() -> Iterator[BrowserThread]:
    """Where Playwright runs, and with it every test that uses it."""
    thread = BrowserThread()
    yield thread
    thread.stop()


@pytest.fixture(scope="session")
def launch_browser(browser_thread: BrowserThread) -> Iterator[Callable[..., object]]:
    """Launches Debian's Chromium, driven by Playwright, with the flags given."""
    # The shell has no windows of its own to draw: a page costs it a sixth of the processor time.
    executable = shutil.which("chromium-headless-shell") or shutil.which("chromium") or shutil.which("google-chrome")
    if executable is None:
        pytest.skip("Chromium is not installed: Debian package `chromium-headless-shell`")
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=SETTLES_WITHIN_MS)
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
    playwright = browser_thread.run(lambda: sync_playwright().start())
    launched = []

    def launch(*more: str) -> object:
        options = {"executable_path": executable, "args": [*flags, *more], "timeout": 120_000}
        launched.append(browser_thread.run(lambda: playwright.chromium.launch(**options)))
        return launched[-1]

    yield launch
    for browser in launched:
        browser_thread.run(browser.close)
    browser_thread.run(playwright.stop)


@pytest.fixture(scope="session")
def browser(launch_browser) -> object:
    """The browser that the windows of most tests share."""
    return launch_browser()


@pytest.fixture
def open_window(
    request: pytest.FixtureRequest, browser, browser_thread: BrowserThread
) -> Iterator[Callable[..., object]]:
    """Opens windows of readers who share nothing: `open_window(console, "F1", locale=…)` signs in."""
    contexts = []
    for server in {"console", "campus"} & set(request.fixturenames):
        # Made first, and so ended last: it would wait for the streams of windows that are still open.
        request.getfixturevalue(server)

    def open_window(
        console: Pages | None = None,
        number: str | None = None,
        *,
        ready: str = "#link.live",
        path: str = "/console/",
        **options: object,
    ) -> object:
        context = browser.new_context(**({"locale": "en-GB"} | options))
        context.set_default_timeout(SETTLES_WITHIN_MS)
        contexts.append(context)
        page = context.new_page()
        page.problems = []
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        if console is not None and number is not None:
            # The form itself is used by tests of signing in; here only its cookies are wanted.
            form = {"number": number, "password": PASSWORD}
            context.request.post(
                f"{console.url}/console/sign-in", form=form, headers={"Origin": console.url}, max_redirects=0
            )
            page.goto(f"{console.url}{path}")
            page.locator(ready).wait_for()
        return page

    def close() -> list[str]:
        found = [problem for context in contexts for page in context.pages for problem in page.problems]
        for context in contexts:
            context.close()
        return found

    yield lambda *args, **options: browser_thread.run(lambda: open_window(*args, **options))
    assert not browser_thread.run(close), "errors in the pages' scripts"


@pytest.fixture
def page(open_window) -> object:
    """A fresh window of an English reader."""
    return open_window()


@pytest.fixture(scope="session")
def portraits(engine: FaceEngine, photographs: dict[str, Path]) -> dict[str, bytes]:
    """Real portraits as JPEG files; see `photo_studio.make_portraits`."""
    from tests.console.photo_studio import make_portraits

    return make_portraits(engine, photographs)


@pytest.fixture(scope="module")
def shared_studio(
    sqlite_template: Path,
    engine: FaceEngine,
    model_store: ModelStore,
    portraits: dict[str, bytes],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[object]:
    """One server for the tests of a module."""
    from tests.console.photo_studio import open_studio

    database = copied(sqlite_template, tmp_path_factory.mktemp("studio"))
    with open_studio(database, engine, model_store, portraits) as studio:
        yield studio
    database.close()


@pytest.fixture
def studio(shared_studio) -> object:
    """The module's server, with nothing handed in and its clock right."""
    shared_studio.clear()
    return shared_studio
