"""The report of an intake: a CSV for spreadsheets and a page with thumbnails of what failed and why."""

import base64
import csv
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from html import escape
from pathlib import Path

from enrollment.intake_results import IntakeOutcome, IntakeReport, IntakeResult
from enrollment.parallel_map import map_in_order
from enrollment.photo import UnreadablePhotoError, decode, encode_jpeg, make_thumbnail
from enrollment.roster import PhotoSource, open_source

CSV_NAME, HTML_NAME = "report.csv", "report.html"

_THUMBNAIL = 120
_OUTCOMES = {
    IntakeOutcome.ENROLLED: ("已登记", "enrolled"),
    IntakeOutcome.IN_REVIEW: ("等待审核", "waiting for review"),
    IntakeOutcome.REJECTED: ("照片不符合要求", "photo not accepted"),
    IntakeOutcome.UNREADABLE: ("照片无法读取", "photo unreadable"),
    IntakeOutcome.NO_PHOTO: ("没有照片", "no photo"),
    IntakeOutcome.NO_CONSENT: ("未同意人脸识别", "no consent"),
    IntakeOutcome.INVALID: ("名单中此行无效", "line not valid"),
    IntakeOutcome.ALREADY_THERE: ("此前已登记", "enrolled before"),
}
"""What the page calls each outcome, in Chinese and English; the CSV holds the codes."""
_HEADINGS = (
    ("照片", "Photo"), ("行", "Line"), ("学号/工号", "Number"), ("姓名", "Name"), ("结果", "Outcome"), ("原因", "Why"),
)  # fmt: skip
_STYLE = (
    "body{font:15px system-ui,sans-serif;margin:2rem;color:#1b1f24}table{border-collapse:collapse}"
    "td,th{border-bottom:1px solid #d5dae0;padding:.5rem .8rem;text-align:left;vertical-align:top}"
    "img{display:block;border-radius:4px}p{margin:.1rem 0}.en{color:#57606a}"
)


def write_reports(report: IntakeReport, intake: Path, folder: Path, *, workers: int = 2) -> None:
    """Write CSV and page into `folder`, readable by their owner only: they hold names and faces.

    Raises:
        OSError: the folder cannot be made or written to.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open_source(intake) as source:
        write_csv(report, folder / CSV_NAME)
        write_html(report, source, folder / HTML_NAME, workers=workers)
    for name in (CSV_NAME, HTML_NAME):
        (folder / name).chmod(0o600)


def write_csv(report: IntakeReport, path: Path) -> None:
    """Write one line for each person: line, number, name, photo, outcome, failed rules, why."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["line", "number", "name", "photo", "outcome", "failed_rules", "why"])
        for one in report.results:
            failed = ";".join(failure.rule for failure in one.failures)
            # A leading = + - @ would be run as a formula by a spreadsheet.
            row = [one.number, one.name, one.photo or "", one.outcome.value, failed, one.why]
            writer.writerow([one.line, *(f"'{cell}" if cell[:1] in "=+-@" and cell else cell for cell in row)])


def write_html(report: IntakeReport, source: PhotoSource, path: Path, *, workers: int = 2) -> None:
    """Write a page that stands by itself: everyone who was not enrolled, with the photo and the advice."""
    counts = Counter(one.outcome for one in report.results).most_common()
    summary = " · ".join(f"{_render_both(_OUTCOMES[outcome])}：{count}" for outcome, count in counts)
    headings = "".join(f"<th>{_render_both(one)}</th>" for one in _HEADINGS)
    with path.open("w", encoding="utf-8") as page:
        page.write(
            f'<!doctype html><html lang="zh"><meta charset="utf-8"><title>导入报告 · Import report</title>'
            f"<style>{_STYLE}</style><h1>导入报告 · Import report</h1><p>{summary}</p>"
            f"<table><tr>{headings}</tr>\n"
        )
        page.writelines(_render_rows(report, source, workers))
        page.write("</table></html>\n")


def _render_rows(report: IntakeReport, source: PhotoSource, workers: int) -> Iterator[str]:
    with ThreadPoolExecutor(workers, thread_name_prefix="report") as pool:
        for one, picture in map_in_order(report.failures, lambda one: _render_thumbnail(one, source), pool):
            yield _render_row(one, picture)


def _render_row(one: IntakeResult, picture: str) -> str:
    words = ""
    for each in one.failures:
        if each.zh or each.en:
            words += f'<p>{escape(each.zh)}</p><p class="en">{escape(each.en)}</p>'
    cells = (*map(escape, (str(one.line), one.number, one.name)), _render_both(_OUTCOMES[one.outcome]))
    texts = "".join(f"<td>{cell}</td>" for cell in cells)
    return f"<tr><td>{picture}</td>{texts}<td>{words or f'<p>{escape(one.why)}</p>'}</td></tr>\n"


def _render_both(words: tuple[str, str]) -> str:
    chinese, english = words
    return f'{chinese} <span class="en" lang="en">{english}</span>'


def _render_thumbnail(one: IntakeResult, source: PhotoSource) -> str:
    if one.photo is None:
        return ""
    try:
        image = decode(source.read(one.photo)).image
    except (UnreadablePhotoError, OSError, KeyError):
        return ""
    small = encode_jpeg(make_thumbnail(image, _THUMBNAIL), quality=75)
    return f'<img alt="" src="data:image/jpeg;base64,{base64.b64encode(small).decode()}">'
