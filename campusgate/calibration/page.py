"""The study as a page: the scores, the rate of false matches over the threshold, and the table."""

import html
import math
from collections.abc import Iterable, Sequence

import numpy as np

from campusgate.calibration.study import Row, Share, Study
from models.calibration import fmr_for_search
from models.score_tail import Estimate

_WIDTH, _HEIGHT = 760, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 20, 16, 44
_COLOURS = {"impostors": "#7a869a", "mated": "#1f7a4d", "genuine": "#2f6fde", "strangers": "#b3541e"}
_NAMES = {
    "impostors": "不同的人（模板） different people (templates)",
    "mated": "同一人（模板） the same person (templates)",
    "genuine": "放行 let in (passages)",
    "strangers": "放行时的次高分 best other person (passages)",
}
_BINS = 75
_STYLE = (
    "body{font:15px/1.5 system-ui,'Noto Sans SC',sans-serif;margin:2rem auto;max-width:60rem;"
    "padding:0 1rem;color:#1c2430}"
    "table{border-collapse:collapse}"
    "td,th{padding:.3rem .6rem;border-bottom:1px solid #d5dae2;text-align:right}th{font-size:13px}"
    "td:nth-child(-n+5){white-space:nowrap}"
    "th:first-child,td:first-child{text-align:left}svg{max-width:100%;height:auto}tr.wanted{font-weight:600}"
)

Point = tuple[float, float]


class _Chart:
    """An axis of scores below, a logarithmic one at the side."""

    def __init__(self, scores: tuple[float, float], decades: tuple[int, int], title: str) -> None:
        self._low, self._high = scores
        self._least, self._most = decades
        self._parts = [f'<text x="{_LEFT}" y="12" class="title">{html.escape(title)}</text>']
        for decade in range(self._least, self._most + 1):
            y = self._y(10.0**decade)
            self._parts.append(f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}" class="grid"/>')
            self._parts.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{_decade(decade)}</text>')
        for score in np.arange(np.ceil(self._low * 10) / 10, self._high + 1e-9, 0.1):
            x, y = self._x(float(score)), _HEIGHT - _BOTTOM
            self._parts.append(f'<text x="{x:.1f}" y="{y + 16}" text-anchor="middle">{score:.1f}</text>')

    def line(self, points: Iterable[Point], colour: str, *, dashed: bool = False) -> None:
        path = " ".join(f"{self._x(score):.1f},{self._y(value):.1f}" for score, value in points if value > 0)
        dash = ' stroke-dasharray="5 4"' if dashed else ""
        self._parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.8"{dash}/>')

    def band(self, low: Sequence[Point], high: Sequence[Point], colour: str) -> None:
        path = " ".join(f"{self._x(score):.1f},{self._y(value):.1f}" for score, value in [*low, *reversed(high)])
        self._parts.append(f'<polygon points="{path}" fill="{colour}" opacity="0.18"/>')

    def mark(self, score: float, text: str) -> None:
        x = self._x(score)
        self._parts.append(
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{_HEIGHT - _BOTTOM}" class="mark"/>'
            f'<text x="{x + 4:.1f}" y="{_TOP + 12}">{html.escape(text)}</text>'
        )

    def legend(self, names: Sequence[str]) -> None:
        for number, name in enumerate(names):
            x, y = _LEFT + 350 * (number % 2), _HEIGHT - 14 + 14 * (number // 2)
            self._parts.append(f'<rect x="{x}" y="{y - 8}" width="14" height="3" fill="{_COLOURS[name]}"/>')
            self._parts.append(f'<text x="{x + 20}" y="{y - 3}">{html.escape(_NAMES[name])}</text>')

    def svg(self) -> str:
        style = (
            "<style>text{font:11px system-ui,sans-serif;fill:#39424e}.title{font-size:13px;font-weight:600}"
            ".grid{stroke:#e3e7ee}.mark{stroke:#c2182b;stroke-width:1.5}</style>"
        )
        size = f"0 0 {_WIDTH} {_HEIGHT + 18}"
        inner = style + "".join(self._parts)
        return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{size}" role="img">{inner}</svg>'

    def _x(self, score: float) -> float:
        share = (min(max(score, self._low), self._high) - self._low) / (self._high - self._low)
        return float(_LEFT + share * (_WIDTH - _LEFT - _RIGHT))

    def _y(self, value: float) -> float:
        place = float(np.clip(np.log10(max(value, 1e-300)), self._least, self._most))
        share = (place - self._least) / (self._most - self._least)
        return _HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM)


def page(study: Study, gate: str, made_at: str) -> str:
    """Return the study as one HTML document that needs nothing else."""
    wanted = study.wanted
    head = f"<!doctype html><html lang=zh-CN><meta charset=utf-8><title>{html.escape(gate)} · 阈值 threshold</title>"
    words = (
        f"<h1>门 {html.escape(gate)}：阈值 Threshold</h1>"
        f"<p>{study.size} 人 people；希望的误识率 wanted FPIR {_percent(study.fpir)}；阈值 threshold "
        f"<b>{wanted.chosen:.3f}</b>（{_BASIS[study.basis]}）；{html.escape(study.model_id)}；{html.escape(made_at)}</p>"
    )
    return f"{head}<style>{_STYLE}</style>{words}{_distributions(study)}{_rates(study)}{_table(study)}</html>"


_BASIS = {
    "templates": "由本校模板测得 measured on the campus's templates",
    "passages": "由通行记录上调 raised by what passages showed",
    "extrapolated": "外推，不低于模型的校准 extrapolated, never below the model's calibration",
    "model": "人数太少，用模型的校准 too few people: the model's own calibration",
}


_CAPTION = (
    "下图：蓝线为本校估计，带为 95 % 区间；虚线为采用的阈值；* 为外推。 "
    "Lower chart: blue is the campus's estimate and its 95 % interval; dashed, the thresholds in use; *, extrapolated."
)


def _distributions(study: Study) -> str:
    chart = _Chart((-0.2, 1.0), (-7, 0), "得分的分布 Scores (share of each bin)")
    names = []
    if study.tail is not None:
        chart.line(_histogram(study.tail.histogram, study.tail.edges), _COLOURS["impostors"])
        names.append("impostors")
    edges = np.linspace(-0.2, 1.0, _BINS + 1)
    for name, scores in (
        ("mated", study.mated),
        ("genuine", study.passages.genuine),
        ("strangers", study.passages.strangers),
    ):
        if len(scores):
            chart.line(_histogram(np.histogram(np.clip(scores, -0.2, 1.0), edges)[0], edges), _COLOURS[name])
            names.append(name)
    chart.mark(study.wanted.chosen, f"{study.wanted.chosen:.3f}")
    chart.legend(names)
    return chart.svg()


def _histogram(counts: np.ndarray, edges: np.ndarray) -> list[Point]:
    shares = counts / max(int(counts.sum()), 1)
    middles = (edges[1:] + edges[:-1]) / 2
    return [(float(score), float(value)) for score, value in zip(middles, shares, strict=True) if value > 0]


def _rates(study: Study) -> str:
    wanted = [float(rate) for rate in np.logspace(-5, -0.31, 40)]
    rates = [(rate, fmr_for_search(rate, study.size)) for rate in wanted]
    thresholds = [(study.threshold(fmr), rate) for rate, fmr in rates]
    estimates = []
    if study.tail is not None:
        held = len(study.tail.excess) / study.tail.pairs
        estimates = [(rate, study.tail.at(fmr)) for rate, fmr in rates if fmr < held]
    # Models differ in where their scores lie: the axis begins at the tenth below the lowest of them.
    lowest = min(*(score for score, _ in thresholds), *(one.low for _, one in estimates), 0.9)
    title = f"误识率与阈值 FPIR over the threshold · {study.size} 人 people"
    chart = _Chart((math.floor(10 * lowest) / 10, 1.0), (-5, 0), title)
    if estimates:
        chart.band(
            [(one.low, rate) for rate, one in estimates], [(one.high, rate) for rate, one in estimates], "#2f6fde"
        )
        chart.line([(one.threshold, rate) for rate, one in estimates], "#2f6fde")
    chart.line(thresholds, "#c2182b", dashed=True)
    chart.mark(study.wanted.chosen, f"{_percent(study.fpir)} → {study.wanted.chosen:.3f}")
    return chart.svg()


def _table(study: Study) -> str:
    head = (
        "<tr><th>FPIR<th>阈值 threshold<th>本校估计 estimate<th>95 %<th>模型 model"
        "<th>同一人漏识 mated missed<th>通行漏识 passages missed<th>通行误识 passages false</tr>"
    )
    rows = "".join(_table_row(row, wanted=row is study.wanted) for row in study.rows)
    return f"<p>{_CAPTION}</p><table>{head}{rows}</table>"


def _table_row(row: Row, *, wanted: bool) -> str:
    threshold, interval = estimate_text(row.estimate)
    cells = (
        _percent(row.fpir),
        f"{row.chosen:.3f}",
        threshold,
        interval,
        f"{row.model:.3f}",
        *(share_text(share) for share in (row.mated_missed, row.passages_missed, row.passages_false)),
    )
    inner = "".join(f"<td>{html.escape(cell)}" for cell in cells)
    return f"<tr class={'wanted' if wanted else 'other'}>{inner}</tr>"


def estimate_text(estimate: Estimate | None) -> tuple[str, str]:
    """Return the threshold of an estimate, with a star where it is extrapolated, and its interval."""
    if estimate is None:
        return "–", "–"
    star = "" if estimate.measured else " *"
    return f"{estimate.threshold:.3f}{star}", f"{estimate.low:.3f}…{estimate.high:.3f}"


def share_text(share: Share) -> str:
    """Return a share in words, with its interval."""
    if share.interval is None or share.value is None:
        return "–"
    low, high = share.interval
    return f"{_percent(share.value)} ({_percent(low)}…{_percent(high)})"


def _percent(value: float) -> str:
    return f"{100 * value:.3g} %"


def _decade(decade: int) -> str:
    return "1" if decade == 0 else f"1e{decade}"
