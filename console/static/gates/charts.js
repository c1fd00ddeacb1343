// The charts of a day: each place with `data-bars` names the element that holds its bars as JSON.

import { barChart } from "../chart.js";
import { byId, labelled, text } from "../page.js";

const NARROWEST = 576;
const number = new Intl.NumberFormat(document.documentElement.lang);
const written = (value) => number.format(value);
const spoken = (bar) => labelled(bar.label, bar.value === null ? text("charts.not_known") : written(bar.value));

function draw() {
  for (const place of document.querySelectorAll("[data-bars]")) {
    // So wide that letters keep their size; a phone scrolls.
    const width = Math.max(place.clientWidth, NARROWEST);
    place.replaceChildren(barChart(JSON.parse(byId(place.dataset.bars).textContent), { name: place.dataset.name, width, written, spoken }));
  }
}

draw();
addEventListener("resize", draw);
