// Cards of gates.

import { gateLink } from "./events.js";
import { ACTIONS, orderButton } from "./orders.js";
import { byId, coded, element, gateTitle, keyed, labelled, places, say, setup, text } from "../page.js";

let views = [];
let alarms = [];

const PRESENCES = [["controller", "controller"], ["edge", "camera_node"]];

/** Shows every gate there is, also those that nobody has heard of. */
export function showGates(found) {
  views = found;
  draw();
}

/** Lets what is open at a gate show on its card. */
export function markAlarms(open) {
  alarms = open;
  draw();
}

function draw() {
  const heard = new Map(views.map((view) => [view.gate, view]));
  const silent = places.gates.filter((gate) => !heard.has(gate.name)).map(nothingHeard);
  const all = [...views, ...silent].sort((one, other) => (one.gate < other.gate ? -1 : 1));
  const gates = byId("gates");
  gates.querySelector(".empty")?.remove();
  keyed(gates, all, (view) => view.gate, makeCard, updateCard);
  summarise(all);
  if (!all.length) gates.append(element("p", "empty", text("no_gates")));
}

const QUIET = new Set(["locked", "granted", "open"]);

/** Whether somebody should look at a gate: it is not there, not at rest, or something about it is not well. */
const needsALook = (view) =>
  view.controller !== "online" || !QUIET.has(view.door?.state) || view.edge === "offline" || troublesOf(view).length > 0 || urgentAt(view.gate).length > 0;

/** Open alarms at a gate that somebody must look at: the critical ones until they are closed, major ones until seen. */
const urgentAt = (gate) =>
  alarms.filter((one) => one.gate === gate && (one.severity === "critical" || (one.severity === "major" && !one.acknowledged_by)));

/** Says how many gates there are and how many need a look; the page can show only those. */
function summarise(all) {
  const summary = byId("gates-summary");
  if (!summary) return;
  const number = all.filter(needsALook).length;
  say(summary, `${labelled(text("gates"), all.length)} · ${labelled(text("need_a_look"), number)}`);
}

const nothingHeard = ({ name }) => ({ gate: name, door: null, controller: "never", edge: "never", health: {} });

function makeCard(view) {
  const card = element("article", "card gate");
  card.dataset.gate = view.gate;
  const there = element("ul", "presences");
  for (const [name] of PRESENCES) {
    const presence = element("li", "presence", element("span", "dot"), element("span", "label"));
    presence.dataset.source = name;
    there.append(presence);
  }
  const heading = setup.gate ? gateTitle(view.gate) : gateLink(view.gate);
  card.append(element("h2", "", heading), element("p", "door"), element("ul", "urgent"), element("ul", "troubles"), there);
  if (setup.canOrder) {
    const buttons = ACTIONS.map((action) => orderButton(action, { gates: [view.gate] }, gateTitle(view.gate)));
    const actions = element("div", "actions", ...buttons);
    actions.setAttribute("role", "group");
    actions.setAttribute("aria-label", labelled(text("order.title"), gateTitle(view.gate)));
    card.append(actions);
  }
  return card;
}

function updateCard(card, view) {
  const there = view.controller === "online";
  const status = view.door ? view.door.state : "unknown";
  card.className = `card gate door-${status}${there ? "" : " absent"}`;
  say(card.querySelector(".door"), coded("door", status));
  card.classList.toggle("quiet", !needsALook(view));
  keyed(card.querySelector(".urgent"), urgentAt(view.gate), (alarm) => alarm.id, () => element("li", ""), sayAlarm);
  keyed(card.querySelector(".troubles"), troublesOf(view), (trouble) => trouble, () => element("li", ""), say);
  for (const [name, label] of PRESENCES) {
    const presence = card.querySelector(`[data-source=${name}]`);
    presence.className = `presence ${view[name]}`;
    say(presence.querySelector(".label"), labelled(text(label), coded("presence", view[name])));
  }
}

const sayAlarm = (shown, alarm) => {
  shown.className = alarm.severity;
  say(shown, coded("alarm", alarm.kind));
};

/** What is not well beside the door's state: the housing, wires, the clock, a directory that is behind. */
function troublesOf({ door, behind_s: behind, revocations }) {
  const troubles = (door?.wires ?? []).map(({ wire, fault }) => labelled(coded("wire", wire), coded("reason", fault)));
  if (door?.tamper) troubles.unshift(text("alarm.tamper"));
  if (door && !door.clock_sure) troubles.push(text("alarm.clock_unsure"));
  if (behind) troubles.push(labelled(text("alarm.directory_lag"), `${behind} ${text("gate_page.seconds")}`));
  if (behind && revocations) troubles.push(labelled(text("gate_page.revocations"), revocations));
  return troubles;
}
