// The board: every gate, every open alarm, every waiting order, and what happened last.

import { showAlarms } from "./alarms.js";
import { needsLive } from "../freshness.js";
import { markAlarms, showGates } from "./gates.js";
import { followGates } from "../live.js";
import { askToOrder, showWaiting } from "./orders.js";
import { byId } from "../page.js";
import { PassageList } from "./passages.js";
import { showZones } from "./zones.js";

const passages = new PassageList({ most: 100, withGate: true });

for (const button of byId("many")?.querySelectorAll("button") ?? []) {
  needsLive(button).addEventListener("click", () => {
    const chosen = byId("place").selectedOptions[0];
    const reach = chosen.value === "everywhere" ? { everywhere: true } : { zone: chosen.value.replace("zone:", "") };
    askToOrder(button.dataset.action, reach, chosen.textContent);
  });
}

byId("only-troubled").addEventListener("change", ({ target }) => {
  byId("gates").classList.toggle("only-troubled", target.checked);
});

showGates([]);
followGates({
  gates: showGates,
  alarms(alarms) {
    showAlarms(alarms);
    markAlarms(alarms);
  },
  orders: showWaiting,
  zones: showZones,
  passage: (event) => passages.add([event]),
});
