"""What the pages are held to finds what is wrong, on each page anew."""

import pytest

from tests.console.axe import inspect, violations

GOOD = "<!doctype html><html lang=en><title>A page</title><main><h1>A page</h1>{}</main>"


def test_what_is_wrong_is_found_on_each_page(page) -> None:
    page.set_content(GOOD.format("<img src=x>"))
    [found] = violations(page)
    assert found.startswith("image-alt: ")
    page.set_content(GOOD.format("<p style='color:#999'>faint</p>"))
    assert [one.partition(":")[0] for one in violations(page)] == ["color-contrast"]
    page.set_content(GOOD.format(""))
    inspect(page)


def test_a_page_wider_than_a_phone_is_found(page) -> None:
    page.set_content(GOOD.format("<p style='width:500px'>wide</p>"))
    with pytest.raises(AssertionError, match="360"):
        inspect(page)
