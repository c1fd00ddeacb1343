// Bars drawn by hand: one for each part of a time, with what is not known shown as not known, and the same as a table.

import { element } from "./page.js";

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 160;
const TOP = 14;
const FOOT = 22;
const TICK = 30;
/** What a letter of the scale takes, at its 11 px. */
const LETTER = 6.5;

function shape(name, attributes, ...content) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...content);
  return made;
}

/** The least of 1, 2, 5 times a power of ten that is not less than `most`. */
function ceiling(most) {
  const power = 10 ** Math.floor(Math.log10(most));
  return [1, 2, 5, 10].map((one) => one * power).find((one) => one >= most);
}

/**
 * A bar chart of `bars`, as wide as `width` pixels: each `{ label, short, value, state }`, where `value` is null where
 * nothing is known, and `state` becomes the class. `written` writes a value of the scale, `spoken` says a bar in words;
 * `name` says what it all is.
 */
export function barChart(bars, { name, width, written, spoken }) {
  const most = Math.max(...bars.map((bar) => bar.value ?? 0), 0);
  const top = most > 0 ? ceiling(most) : 1;
  const values = most > 0 ? [0, top / 2, top] : [0];
  const left = 14 + LETTER * Math.max(...values.map((value) => written(value).length), 4);
  const step = (width - left) / bars.length;
  const foot = HEIGHT - FOOT;
  const y = (value) => foot - ((foot - TOP) * value) / top;
  const drawn = shape("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, class: "chart", role: "img", "aria-label": name });
  for (const value of values) {
    drawn.append(
      shape("line", { x1: left - 4, x2: width, y1: y(value), y2: y(value), class: "grid" }),
      shape("text", { x: left - 8, y: y(value) + 4, class: "scale" }, written(value)),
    );
  }
  const every = Math.ceil(TICK / step);
  bars.forEach((bar, place) => {
    const made = column(bar, left + place * step, { y, foot, step, spoken });
    if (place % every === 0) made.append(shape("text", { x: left + (place + 0.5) * step, y: HEIGHT - 6, class: "tick" }, bar.short));
    drawn.append(made);
  });
  return drawn;
}

function column(bar, x, { y, foot, step, spoken }) {
  const made = shape("g", { class: `bar ${bar.state}` }, shape("title", {}, spoken(bar)));
  const height = bar.value === null ? foot - TOP : Math.max(foot - y(bar.value), bar.value > 0 ? 2 : 0);
  const gap = Math.min(4, step / 4);
  made.append(
    shape("rect", { x, y: TOP, width: step, height: foot - TOP, class: "touch" }),
    shape("rect", { x: x + gap / 2, y: foot - height, width: step - gap, height, rx: 2, class: "value" }),
  );
  if (bar.state === "missing") made.append(shape("text", { x: x + step / 2, y: foot - 6, class: "unknown" }, "?"));
  return made;
}

/** The same bars as a table; `columns` are its two headings. */
export function barTable(bars, { caption, columns, spokenValue }) {
  const head = element("tr", "", ...columns.map((one) => Object.assign(element("th", "", one), { scope: "col" })));
  const rows = bars.map((bar) => element(
    "tr", bar.state,
    Object.assign(element("th", "", bar.label), { scope: "row" }),
    element("td", "number", spokenValue(bar)),
  ));
  return element("table", "", element("caption", "", caption), element("thead", "", head), element("tbody", "", ...rows));
}
