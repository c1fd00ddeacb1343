// The zones: how many are inside, the way to the list of names, and letting passages no longer count.

import { isLive, needsLive, whenLiveChanges } from "../freshness.js";
import { byId, element, keyed, labelled, Refused, say, setup, text, toast } from "../page.js";
import { wish } from "../wish.js";

const dialog = byId("forgive");
let asked = null;
let pending = null;

export function showZones(zones) {
  for (const skeleton of byId("zones")?.querySelectorAll(":scope > :not([data-key])") ?? []) skeleton.remove();
  if (byId("zones")) keyed(byId("zones"), zones, (zone) => zone.name, makeZone, updateZone);
}

function makeZone(zone) {
  const list = element("a", "", text("muster.title"));
  list.href = `${setup.root}zones/${zone.name}/muster`;
  const button = element("button", "plain", text("forgive.button"));
  button.type = "button";
  button.setAttribute("aria-label", labelled(text("forgive.button"), zone.title));
  button.addEventListener("click", () => askToForgive(zone));
  needsLive(button);
  return element("li", "zone", element("strong", "", zone.title), element("span", "count"), element("meter", ""), list, button);
}

function updateZone(shown, zone) {
  const full = zone.limit !== null && zone.inside >= zone.limit;
  say(shown.querySelector(".count"), zone.limit === null ? String(zone.inside) : `${zone.inside} / ${zone.limit}`);
  shown.querySelector(".count").title = text("forgive.counted");
  const meter = shown.querySelector("meter");
  meter.hidden = zone.limit === null;
  if (zone.limit !== null) Object.assign(meter, { max: zone.limit, low: zone.limit * 0.7, high: zone.limit * 0.9, optimum: 0, value: zone.inside });
  shown.classList.toggle("full", full);
}

/** Asks whose passages through `zone` ({name, title}) shall no longer count. */
export function askToForgive(zone) {
  asked = zone;
  byId("forgive-title").textContent = `${text("forgive.button")} · ${zone.title}`;
  byId("forgive-number").value = "";
  byId("forgive-problem").textContent = "";
  allow();
  dialog.showModal();
}

function allow() {
  byId("forgive-yes").disabled = pending !== null || !isLive();
}

whenLiveChanges(allow);

byId("forgive-cancel").addEventListener("click", () => dialog.close());

dialog.querySelector("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  if (byId("forgive-yes").disabled) return;
  const number = byId("forgive-number").value.trim();
  const mine = wish("forgive", `${setup.root}zones/${asked.name}/forgive`, number ? { number } : {});
  pending = mine;
  allow();
  try {
    const done = await mine.done;
    if (pending !== mine) return;
    pending = null;
    dialog.close();
    toast(`${text("forgive.done")}${text("punctuation.space")}${done.person ?? text("forgive.everybody")} · ${asked.title}`);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    if (pending !== mine) return;
    pending = null;
    byId("forgive-problem").textContent = error.message;
    allow();
  }
});

dialog.addEventListener("close", () => {
  if (!pending) return;
  const sent = pending.cancel();
  pending = null;
  toast(text(sent ? "order.cancelled_late" : "order.cancelled"), !sent);
});
