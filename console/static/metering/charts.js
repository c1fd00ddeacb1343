// The charts of a page: each place with `data-bars` names the element that holds its bars as JSON.

import { barChart } from "../chart.js";
import { byId, coded, labelled } from "../page.js";

const NARROWEST = 544;
/** What the style sheet gives a chart at least; it scrolls on a phone. */

/** Energy in watt-hours, exact, with its unit. */
export const kwh = (wh) => `${(wh / 1000).toFixed(wh % 1000 ? 3 : 0)} kWh`;

/** Draws what is not drawn yet. */
export function drawCharts() {
  for (const place of document.querySelectorAll("[data-bars]:empty")) {
    const bars = JSON.parse(byId(place.dataset.bars).textContent);
    if (!bars.length) continue;
    const spoken = (bar) => labelled(bar.label, bar.value === null ? coded("metering", "unknown") : kwh(bar.value));
    const width = Math.max(place.clientWidth, NARROWEST);
    const shown = bars.map((bar) => ({ ...bar, short: bar.label }));
    place.append(barChart(shown, { name: place.dataset.name, width, written: kwh, spoken }));
  }
}
