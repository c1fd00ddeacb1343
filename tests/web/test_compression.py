"""Answers that are compressed for who takes them, and the modules that a page can ask for at once."""

import gzip
from pathlib import Path

import pytest
from starlette.datastructures import Headers
from starlette.responses import HTMLResponse

from web.compression import compress, takes_gzip
from web.module_imports import find_imports

HTML = "<p>北门</p>" * 100


@pytest.mark.parametrize(
    ("offered", "takes"),
    [
        ("gzip", True),
        ("br, GZIP;q=0.5", True),
        ("gzip; q=0.001", True),
        ("gzip;q=0", False),
        ("gzip; q=0.000", False),
        ("br;q=1, identity", False),
        ("x-gzip", False),
        ("", False),
    ],
)
def test_only_who_takes_gzip_is_given_it(offered: str, takes: bool) -> None:
    headers = Headers({"accept-encoding": offered})
    answer = HTMLResponse(HTML)
    compress(headers, answer)
    assert takes_gzip(headers) is takes
    assert answer.headers["vary"] == "Accept-Encoding"
    assert answer.headers.get("content-encoding") == ("gzip" if takes else None)
    assert int(answer.headers["content-length"]) == len(answer.body)
    assert (gzip.decompress(answer.body) if takes else answer.body).decode() == HTML


def test_all_that_a_module_imports_is_found_once(tmp_path: Path) -> None:
    (tmp_path / "area").mkdir()
    for name, content in {
        "area/page.js": 'import "./own.js";\nimport {\n  one,\n  two,\n} from "../common.js";\nimport("./later.js");\n',
        "area/own.js": 'import { one } from "../common.js";\nconst later = () => import("./later.js");\n',
        "common.js": 'export * from "./deep.js";\nexport const path = "./no-module.js";\n',
        "deep.js": 'import { a } from "./area/own.js"; // in a circle\n',
    }.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    assert find_imports(tmp_path, "area/page.js") == ("area/own.js", "common.js", "deep.js")
    assert find_imports(tmp_path, "deep.js") == ("area/own.js", "common.js")


def test_a_module_that_is_not_there_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "page.js").write_text('import "./gone.js";', encoding="utf-8")
    with pytest.raises(FileNotFoundError, match=r"gone\.js"):
        find_imports(tmp_path, "page.js")
