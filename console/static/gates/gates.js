// Cards of gates.

import { gateLink } from "./events.js";
import { ACTIONS, orderButton } from "./orders.js";
import { byId, coded, element, filled, gateTitle, keyed, labelled, places, say, setup, text } from "../page.js";

let views = [];
let alarms = [];

const SEVERITIES = ["critical", "major", "minor"];
/** Lines on a card for what is wrong; a card keeps its height, and the gate's page says the rest. */
const MOST_SAID = 2;
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
  const all = withSilent(views);
  const gates = byId("gates");
  for (const skeleton of gates.querySelectorAll(":scope > :not([data-key])")) skeleton.remove();
  keyed(gates, all, (view) => view.gate, makeCard, updateCard);
  summarise(all);
  if (!all.length) gates.append(element("p", "empty", text("no_gates")));
}

/** Every gate by name, also those that nobody has heard of. */
export function withSilent(heard) {
  const names = new Set(heard.map((view) => view.gate));
  const silent = places.gates.filter((gate) => !names.has(gate.name)).map(nothingHeard);
  return [...heard, ...silent].sort((one, other) => (one.gate < other.gate ? -1 : 1));
}

const QUIET = new Set(["locked", "granted", "open"]);

/** Whether somebody should look at a gate: it is not there, not at rest, or something about it is not well. */
export const needsALook = (view, open) =>
  view.controller !== "online" || !QUIET.has(view.door?.state) || view.edge === "offline" || troublesOf(view).length > 0 || open.length > 0;

/** Open alarms at a gate: those that nobody looks after first, then the worst. */
export const alarmsAt = (gate, all) =>
  all.filter((one) => one.gate === gate).sort((one, other) => Boolean(one.acknowledged_by) - Boolean(other.acknowledged_by) || SEVERITIES.indexOf(one.severity) - SEVERITIES.indexOf(other.severity));

/** Says how many gates there are and how many need a look; the page can show only those. */
function summarise(all) {
  const summary = byId("gates-summary");
  if (!summary) return;
  const number = all.filter((view) => needsALook(view, alarmsAt(view.gate, alarms))).length;
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
  card.append(element("h2", "", heading), element("p", "door"), element("ul", "said"), there);
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
  const open = alarmsAt(view.gate, alarms);
  card.classList.toggle("quiet", !needsALook(view, open));
  const said = [
    ...open.map((alarm) => ({ key: alarm.id, kind: `urgent ${alarm.severity}${alarm.acknowledged_by ? " seen" : ""}`, what: coded("alarm", alarm.kind) })),
    ...troublesOf(view).map((what) => ({ key: what, kind: "trouble", what })),
  ];
  showSaid(card.querySelector(".said"), said);
  for (const [name, label] of PRESENCES) {
    const presence = card.querySelector(`[data-source=${name}]`);
    presence.className = `presence ${view[name]}`;
    say(presence.querySelector(".label"), labelled(text(label), coded("presence", view[name])));
  }
}

function showSaid(list, said) {
  const shown = said.length > MOST_SAID ? said.slice(0, MOST_SAID - 1) : said;
  const more = said.length - shown.length;
  const lines = more ? [...shown, { key: "more", kind: "more", what: filled("alarm.and_more", { number: more }) }] : shown;
  list.title = said.map((one) => one.what).join(text("punctuation.semicolon"));
  keyed(list, lines, (line) => line.key, () => element("li", ""), (line, { kind, what }) => {
    line.className = kind;
    say(line, what);
  });
}

/** What is not well beside the door's state: the housing, wires, the clock, a directory that is behind. */
export function troublesOf({ door, behind_s: behind, revocations }) {
  const troubles = (door?.wires ?? []).map(({ wire, fault }) => labelled(coded("wire", wire), coded("reason", fault)));
  if (door?.tamper) troubles.unshift(text("alarm.tamper"));
  if (door && !door.clock_sure) troubles.push(text("alarm.clock_unsure"));
  if (behind) troubles.push(labelled(text("alarm.directory_lag"), `${behind} ${text("gate_page.seconds")}`));
  if (behind && revocations) troubles.push(labelled(text("gate_page.revocations"), revocations));
  return troubles;
}
