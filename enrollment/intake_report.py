"""The report of an intake: a CSV for spreadsheets and a page with thumbnails of what failed and why."""

import base64
import csv
from html import escape
from pathlib import Path

from enrollment.intake import ImportReport, IntakeResult
from enrollment.photo import UnreadablePhotoError, decode, encode_jpeg, thumbnail
from enrollment.roster import PhotoSource

_THUMBNAIL = 120
_STYLE = (
    "body{font:15px system-ui,sans-serif;margin:2rem;color:#1b1f24}table{border-collapse:collapse}"
    "td,th{border-bottom:1px solid #d5dae0;padding:.5rem .8rem;text-align:left;vertical-align:top}"
    "img{display:block;border-radius:4px}p{margin:.1rem 0}.en{color:#57606a}"
)


def write_csv(report: ImportReport, path: Path) -> None:
    """Write one line for each person: line, number, name, photo, outcome, failed rules, why."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["line", "number", "name", "photo", "outcome", "failed_rules", "why"])
        for one in report.results:
            failed = [result.rule for result in one.report.failed] if one.report else []
            # A leading = + - @ would be run as a formula by a spreadsheet.
            row = [one.number, one.name, one.photo or "", one.outcome.value, ";".join(failed), one.why]
            writer.writerow([one.line, *(f"'{cell}" if cell[:1] in "=+-@" and cell else cell for cell in row)])


def write_html(report: ImportReport, source: PhotoSource, path: Path) -> None:
    """Write a page that stands by itself: everyone who was not enrolled, with the photo and the advice."""
    rows = "\n".join(_row(one, source) for one in report.failures)
    counts = "、".join(
        f"{escape(outcome)} {count}" for outcome, count in sorted(_counts(report).items(), key=lambda pair: -pair[1])
    )
    path.write_text(
        f'<!doctype html><html lang="zh"><meta charset="utf-8"><title>导入报告 · Import report</title>'
        f"<style>{_STYLE}</style><h1>导入报告 · Import report</h1><p>{counts}</p>"
        f"<table><tr><th>照片</th><th>行</th><th>学号/工号</th><th>姓名</th><th>结果</th><th>原因</th></tr>\n"
        f"{rows}\n</table></html>\n",
        encoding="utf-8",
    )


def _row(one: IntakeResult, source: PhotoSource) -> str:
    advice = [result.finding.advice for result in one.report.failed if result.finding.advice] if one.report else []
    words = "".join(f'<p>{escape(each.zh)}</p><p class="en">{escape(each.en)}</p>' for each in advice)
    if not advice:
        words = f"<p>{escape(one.why)}</p>"
    cells = (str(one.line), one.number, one.name, one.outcome.value)
    texts = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
    return f"<tr><td>{_thumbnail(one, source)}</td>{texts}<td>{words}</td></tr>"


def _thumbnail(one: IntakeResult, source: PhotoSource) -> str:
    if one.photo is None:
        return ""
    try:
        image = decode(source.read(one.photo)).image
    except (UnreadablePhotoError, OSError, KeyError):
        return ""
    small = encode_jpeg(thumbnail(image, _THUMBNAIL), quality=75)
    return f'<img alt="" src="data:image/jpeg;base64,{base64.b64encode(small).decode()}">'


def _counts(report: ImportReport) -> dict[str, int]:
    counts: dict[str, int] = {}
    for one in report.results:
        counts[one.outcome.value] = counts.get(one.outcome.value, 0) + 1
    return counts
