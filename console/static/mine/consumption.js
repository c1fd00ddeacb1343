// What the room used: the hours of a day, the days of a month, the months of a year.

import { barChart, barTable } from "../chart.js";
import { bracketed, byId, coded, filled, get, labelled, Refused, setup, text } from "../page.js";
import { kwh } from "../units.js";

const SHORT = { hour: (label) => label.slice(0, 2), day: (label) => label.slice(3), month: (label) => label.slice(5) };
const NARROWEST = 280;
const STATED = new Set(["estimated", "so_far"]);

let shown = { step: "day", day: null };
let drawn = null;
let asked = 0;

const scale = (wh) => (wh >= 10_000 || wh % 1000 === 0 ? String(Math.round(wh / 100) / 10) : (wh / 1000).toFixed(2).replace(/0$/, ""));

function figure(bar) {
  if (bar.value === null) return coded("unit", bar.state);
  return STATED.has(bar.state) ? `${kwh(bar.value)}${bracketed(coded("unit", bar.state))}` : kwh(bar.value);
}

/** Loads and draws what is chosen; says so where that cannot be. */
export async function showConsumption() {
  const mine = ++asked;
  const address = new URL(setup.electricity, location.href);
  address.searchParams.set("step", shown.step);
  if (shown.day) address.searchParams.set("day", shown.day);
  try {
    const found = await get(address);
    if (mine === asked) draw(found);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    if (mine === asked) byId("consumption-problem").textContent = error.message;
  }
}

function draw(found) {
  drawn = found;
  byId("consumption-problem").textContent = "";
  const bars = found.units.map((unit) => ({ ...unit, value: unit.wh, short: SHORT[found.step](unit.label) }));
  const sum = found.sum_wh === null ? text("unit.missing") : kwh(found.sum_wh);
  byId("consumption-window").textContent = found.title;
  byId("consumption-sum").textContent = labelled(text("usage.sum"), found.is_complete || found.sum_wh === null ? sum : `${sum}${bracketed(text("usage.incomplete"))}`);
  const name = filled("usage.chart_name", { window: found.title, sum });
  byId("consumption-chart").replaceChildren(barChart(bars, {
    name, width: Math.max(byId("consumption-chart").clientWidth, NARROWEST), written: scale, spoken: (bar) => labelled(bar.label, figure(bar)),
  }));
  byId("consumption-table").replaceChildren(barTable(bars.filter((bar) => bar.state !== "ahead"), {
    caption: name, columns: [text("usage.when"), text("usage.used")], spokenValue: figure,
  }));
  byId("consumption-before").disabled = found.before === null;
  byId("consumption-after").disabled = found.after === null;
  for (const state of ["estimated", "missing"]) {
    byId(`legend-${state}`).hidden = !bars.some((bar) => bar.state === state);
  }
}

new ResizeObserver(() => { if (drawn) draw(drawn); }).observe(byId("consumption-sum"));

for (const button of document.querySelectorAll("[data-step]")) {
  button.addEventListener("click", () => {
    for (const other of document.querySelectorAll("[data-step]")) other.setAttribute("aria-pressed", other === button);
    shown = { step: button.dataset.step, day: null };
    showConsumption();
  });
}

for (const way of ["before", "after"]) {
  byId(`consumption-${way}`).addEventListener("click", () => {
    shown.day = drawn[way];
    showConsumption();
  });
}
