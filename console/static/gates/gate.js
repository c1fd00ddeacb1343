// One gate: its timeline, its figures, its directory, and why somebody was refused.

import { showAlarms } from "./alarms.js";
import { needsLive } from "../freshness.js";
import { markAlarms, showGates } from "./gates.js";
import { followGates } from "../live.js";
import { showWaiting } from "./orders.js";
import { bracketed, byId, clock, coded, element, get, isCoded, listed, post, Refused, setup, text } from "../page.js";
import { PassageList } from "./passages.js";
import { askToForgive } from "./zones.js";

const DIRECTORY_EVERY_MS = 5000;
const here = `${setup.gates}/${setup.gate}`;
const passages = new PassageList({ most: 1000, onWhy: askWhy });

// The timeline: the newest from the stream, older ones on demand.

let before = null;

async function older() {
  const page = await get(before === null ? `${here}/events` : `${here}/events?before=${before}`);
  passages.add(page.items);
  before = page.next;
  byId("older").hidden = before === null;
}

byId("older").addEventListener("click", older);

// Figures of the processes and of the directory.

function table(rows) {
  const made = element("table", "figures");
  for (const [name, value] of rows) {
    const head = element("th", "", name);
    head.scope = "row";
    made.append(element("tr", "", head, element("td", "", value)));
  }
  return made;
}

/** What a figure, or something said beside an event, is called; what must be heard beside a grant is a reason. */
const figureName = (name) => coded(isCoded("figure", name) ? "figure" : "reason", name);

function figure(name, value) {
  if (value === null || value === "") return "–";
  if (typeof value === "boolean") return text(value ? "yes" : "no");
  if (typeof value === "number") return new Intl.NumberFormat(document.documentElement.lang).format(value);
  if (/^\d{4}-\d\d-\d\dT/.test(value)) return clock(value);
  // What has no words is no code: a model's name, an address, a driver's own message.
  const kind = name === "wire" ? "wire" : "value";
  return isCoded(kind, value) ? coded(kind, value) : value;
}

function showHealth(views) {
  const view = views.find((one) => one.gate === setup.gate);
  showGates(views);
  if (!view || !Object.keys(view.health).length) return;
  const parts = Object.entries(view.health).flatMap(([source, { at, figures }]) => [
    element("h3", "", text(source === "edge" ? "camera_node" : source), " ", element("small", "", clock(at))),
    table(Object.entries(figures).map(([name, value]) => [figureName(name), figure(name, value)])),
  ]);
  byId("health").replaceChildren(...parts);
}

async function showDirectory() {
  const { revision, published_at: published, devices } = await get(`${here}/directory`);
  const parts = [table([
    [text("gate_page.latest"), String(revision)],
    [text("gate_page.published"), published ? clock(published) : "–"],
  ])];
  for (const device of devices) {
    const lag = device.behind ? `${device.behind}${bracketed(`${device.behind_s} ${text("gate_page.seconds")}`)}` : text("gate_page.in_force");
    const rows = [
      [text("gate_page.revision"), String(device.revision)],
      [text("gate_page.behind"), element("span", device.behind ? "bad" : "good", lag)],
      [text("gate_page.seen"), clock(device.seen_at)],
    ];
    if (device.waiting_revocations) {
      rows.splice(2, 0, [text("gate_page.revocations"), element("span", "bad", String(device.waiting_revocations))]);
    }
    parts.push(element("h3", "", text(`gate_page.view_${device.view}`)), table(rows));
  }
  if (!devices.length) parts.push(element("p", "empty", text("gate_page.no_devices")));
  byId("directory").replaceChildren(...parts);
}

// Why?

const explained = (reason) => text(`explain.${reason}`);

function verdict(answer, granted, refused) {
  const word = element("strong", answer.granted ? "good" : "bad", text(answer.granted ? granted : refused));
  const rows = [
    [text("why"), coded("reason", answer.reason)],
    [text("gate_page.mode"), coded("mode", answer.mode)],
    [text("gate_page.in_directory"), text(answer.in_directory ? "yes" : "no")],
    [text("gate_page.groups"), listed(answer.groups) || text("nothing")],
    [text("gate_page.known_by"), listed(answer.known_by.map((one) => coded("shown", one))) || text("nothing")],
  ];
  const notices = listed(answer.notices.map((notice) => coded("reason", notice)));
  const because = answer.in_directory ? explained(answer.reason) : text("gate_page.not_here");
  return [element("p", "", word, notices ? bracketed(notices) : ""), element("p", "", because), table(rows)];
}

async function askWhy(event) {
  const place = byId("why-answer");
  place.replaceChildren();
  byId("why").showModal();
  let found;
  try {
    found = await get(`${here}/events/${event.sequence}/why`);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    place.replaceChildren(element("p", "problem", error.message));
    return;
  }
  const what = [coded("kind", found.kind), found.person, coded("method", found.method)].filter(Boolean).join(" · ");
  const parts = [
    element("h3", "", text("gate_page.then"), " ", element("small", "", clock(found.at))),
    element("p", "", element("strong", "bad", coded("reason", found.reason)), ` – ${what}`),
    element("p", "", explained(found.reason ?? "")),
  ];
  const details = Object.entries(found.details);
  if (details.length) {
    const rows = details.map(([name, value]) => [figureName(name), figure(name, value)]);
    parts.push(element("details", "", element("summary", "", text("gate_page.details")), table(rows)));
  }
  parts.push(element("h3", "", text("gate_page.now")));
  if (found.now) parts.push(...verdict(found.now, "gate_page.would_pass", "gate_page.would_not_pass"));
  else parts.push(element("p", "empty", text(found.person ? "problem.not_published" : "gate_page.nobody")));
  place.replaceChildren(...parts);
}

const forgiveHere = byId("forgive-here");
if (forgiveHere) {
  needsLive(forgiveHere).addEventListener("click", () => {
    askToForgive({ name: forgiveHere.dataset.zone, title: forgiveHere.dataset.title });
  });
}

byId("ask").addEventListener("submit", async (event) => {
  event.preventDefault();
  const at = byId("ask-at").value;
  const question = { number: byId("ask-number").value.trim(), shown: byId("ask-shown").value };
  if (at) question.at = new Date(at).toISOString();
  try {
    const answer = await post(`${here}/ask`, question);
    const parts = verdict(answer, "gate_page.may", "gate_page.may_not");
    byId("answer").replaceChildren(element("h3", "", answer.person, " ", element("small", "", clock(answer.at))), ...parts);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    byId("answer").replaceChildren(element("p", "problem", error.message));
  }
});

await older().catch(() => {});
showDirectory().catch(() => {});
setInterval(() => { if (!document.hidden) showDirectory().catch(() => {}); }, DIRECTORY_EVERY_MS);
followGates({
  gates: showHealth,
  alarms(alarms) {
    showAlarms(alarms);
    markAlarms(alarms);
  },
  orders: showWaiting,
  passage: (event) => passages.add([event]),
});
