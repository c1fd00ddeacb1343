"""Forms of a page, filled in and sent whatever is missing in them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from playwright.sync_api import FilePayload, Locator, Page


def send(page: Page, path: str, action: str, /, *, do: str = "", **typed: Any) -> None:
    """Fill in the form of a page that is sent to an address with this end, and send it, whatever is missing in it.

    `do` is the value of the button that is pressed, where the form has several.
    """
    page.goto(path)
    form = page.locator(f'form[action$="{action}"]' if action else "form").first
    form.evaluate("(one) => { one.noValidate = true; }")
    for name, value in typed.items():
        controls = form.locator(f'[name="{name}"]')
        if controls.first.get_attribute("type") == "radio":
            form.locator(f'[name="{name}"][value="{value}"]').evaluate("(one) => { one.checked = true; }")
        else:
            _fill(controls.first, value)
    with expect_another_page(page):
        if do:
            form.locator(f'button[value="{do}"]').first.evaluate("(one) => one.click()")
        else:
            form.evaluate("(one) => one.requestSubmit()")


@contextmanager
def expect_another_page(page: Page) -> Iterator[None]:
    """Wait until the page that what is done leads to is there, at whatever address."""
    before = page.evaluate("performance.timeOrigin")
    yield
    is_another = "(before) => performance.timeOrigin > before && document.readyState === 'complete'"
    page.wait_for_function(is_another, arg=before)


def _fill(control: Locator, value: Any) -> None:
    if isinstance(value, dict):
        control.set_input_files(cast("FilePayload", value))
    elif value is True:
        control.check(force=True)
    elif control.evaluate("(one) => one.tagName") == "SELECT":
        control.select_option(value)
    else:
        control.evaluate("(one, value) => { one.value = value; }", value)
