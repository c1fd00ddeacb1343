// The open alarms, and the dialog to acknowledge one.

import { gateLink } from "./events.js";
import { byId, clock, coded, element, gateTitle, keyed, labelled, listed, post, Refused, say, setup, text } from "../page.js";

const dialog = byId("acknowledge");
let asked = null;

export function showAlarms(alarms) {
  const unseen = alarms.filter((alarm) => !alarm.acknowledged_by);
  const count = byId("alarm-count");
  count.hidden = unseen.length === 0;
  say(count, String(unseen.length));
  document.title = document.title.replace(/^\(\d+\) /, "");
  if (unseen.length) document.title = `(${unseen.length}) ${document.title}`;
  if (setup.gate) byId("alarm-panel").hidden = alarms.length === 0;
  byId("alarms").querySelector(".empty")?.remove();
  keyed(byId("alarms"), alarms, (alarm) => alarm.id, makeAlarm, updateAlarm);
  if (!alarms.length) byId("alarms").append(element("li", "empty", text("alarm.none")));
  showUnattended(unseen.filter((alarm) => alarm.escalated));
}

function showUnattended(alarms) {
  const banner = byId("unattended");
  banner.hidden = alarms.length === 0;
  const names = alarms.map((alarm) => labelled(gateTitle(alarm.gate), coded("alarm", alarm.kind)));
  say(banner, labelled(text("alarm.unattended"), names.join(text("punctuation.semicolon"))));
}

function makeAlarm(alarm) {
  const made = element("li", "alarm");
  const button = element("button", "plain", text("alarm.acknowledge"));
  button.type = "button";
  button.setAttribute("aria-label", labelled(text("alarm.acknowledge"), listed([coded("alarm", alarm.kind), gateTitle(alarm.gate)])));
  button.addEventListener("click", () => ask(alarm));
  made.append(
    element("span", `severity ${alarm.severity}`, coded("severity", alarm.severity)),
    element("strong", "", coded("alarm", alarm.kind)),
    element("span", "where", gateLink(alarm.gate)),
    element("span", "what"),
    element("span", "since"),
    button,
  );
  return made;
}

function updateAlarm(shown, alarm) {
  shown.classList.toggle("over", alarm.over === true);
  shown.classList.toggle("seen", Boolean(alarm.acknowledged_by));
  const what = [
    coded("reason", alarm.reason),
    alarm.count > 1 ? `×${alarm.count}` : "",
    alarm.over === null ? "" : text(alarm.over ? "alarm.over" : "alarm.going_on"),
    alarm.escalated ? text("alarm.escalated") : "",
  ];
  say(shown.querySelector(".what"), what.filter(Boolean).join(" · "));
  const since = shown.querySelector(".since");
  if (since.dataset.at !== alarm.at) since.replaceChildren(clock(alarm.at));
  since.dataset.at = alarm.at;
  const button = shown.querySelector("button");
  if (alarm.acknowledged_by && button) {
    const by = alarm.note ? labelled(alarm.acknowledged_by, alarm.note) : alarm.acknowledged_by;
    button.replaceWith(element("span", "by", `${text("alarm.acknowledged")} · ${by}`));
  }
}

function ask(alarm) {
  asked = alarm;
  byId("acknowledge-title").textContent = `${coded("alarm", alarm.kind)} · ${gateTitle(alarm.gate)}`;
  byId("acknowledge-note").value = "";
  byId("acknowledge-problem").textContent = "";
  dialog.showModal();
}

byId("acknowledge-cancel").addEventListener("click", () => dialog.close());

dialog.querySelector("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    await post(`${setup.root}alarms/${asked.id}/acknowledge`, { note: byId("acknowledge-note").value.trim() });
    dialog.close();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    byId("acknowledge-problem").textContent = error.message;
  }
});
