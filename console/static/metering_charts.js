// The charts of a page: each place with `data-bars` names the element that holds its bars as JSON.

import { barChart } from "./chart.js";
import { byId, coded, labelled } from "./page.js";

/** Energy in watt-hours, exact, with its unit. */
export const kwh = (wh) => `${(wh / 1000).toFixed(wh % 1000 ? 3 : 0)} kWh`;

/** Draws what is not drawn yet. */
export function drawCharts() {
  for (const place of document.querySelectorAll("[data-bars]:empty")) {
    const bars = JSON.parse(byId(place.dataset.bars).textContent);
    if (!bars.length) continue;
    const spoken = (bar) => labelled(bar.label, bar.value === null ? coded("metering", "unknown") : kwh(bar.value));
    place.append(barChart(bars, { name: place.dataset.name, written: kwh, spoken, every: Math.ceil(bars.length / 12) }));
  }
}
