// Cards of gates.

import { gateLink } from "./events.js";
import { ACTIONS, orderButton } from "./orders.js";
import { byId, coded, element, gateTitle, keyed, places, say, setup, text } from "./page.js";

const PRESENCES = [["controller", "controller"], ["edge", "camera_node"]];

/** Shows every gate there is, also those that nobody has heard of. */
export function showGates(views) {
  const heard = new Map(views.map((view) => [view.gate, view]));
  const silent = places.gates.filter((gate) => !heard.has(gate.name)).map(nothingHeard);
  const all = [...views, ...silent].sort((one, other) => (one.gate < other.gate ? -1 : 1));
  const gates = byId("gates");
  gates.querySelector(".empty")?.remove();
  keyed(gates, all, (view) => view.gate, makeCard, updateCard);
  if (!all.length) gates.append(element("p", "empty", text("no_gates")));
}

const nothingHeard = ({ name }) => ({ gate: name, door: null, controller: "unknown", edge: "unknown", health: {} });

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
  card.append(element("h2", "", heading), element("p", "door"), element("ul", "troubles"), there);
  if (setup.canOrder) {
    const buttons = ACTIONS.map((action) => orderButton(action, { gates: [view.gate] }, gateTitle(view.gate)));
    const actions = element("div", "actions", ...buttons);
    actions.setAttribute("role", "group");
    actions.setAttribute("aria-label", `${text("order.title")}: ${gateTitle(view.gate)}`);
    card.append(actions);
  }
  return card;
}

function updateCard(card, view) {
  const there = view.controller === "online";
  const status = view.door ? view.door.state : "unknown";
  card.className = `card gate door-${status}${there ? "" : " absent"}`;
  say(card.querySelector(".door"), coded("door", status));
  showTroubles(card.querySelector(".troubles"), view.door);
  for (const [name, label] of PRESENCES) {
    const presence = card.querySelector(`[data-source=${name}]`);
    presence.className = `presence ${view[name]}`;
    say(presence.querySelector(".label"), `${text(label)}: ${coded("presence", view[name])}`);
  }
}

/** What is not well at the door beside its state: the housing, wires, the clock. */
function showTroubles(list, door) {
  const troubles = (door?.wires ?? []).map(({ wire, fault }) => `${coded("wire", wire)}: ${coded("reason", fault)}`);
  if (door?.tamper) troubles.unshift(text("alarm.tamper"));
  if (door && !door.clock_sure) troubles.push(text("alarm.clock_unsure"));
  keyed(list, troubles, (trouble) => trouble, () => element("li", ""), say);
}
