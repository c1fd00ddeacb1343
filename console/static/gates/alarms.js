// The open alarms at the side, those of a kind together, and the dialog to acknowledge one or all of a kind.

import { gateLink } from "./events.js";
import { heldWhileUsed } from "./hold.js";
import { byId, clock, coded, element, filled, gateTitle, keyed, labelled, listed, post, Refused, say, setup, text } from "../page.js";
import { signal } from "./signals.js";

const SEVERITIES = ["critical", "major", "minor"];
const NAMED = 2;
const DRAW_EVERY_MS = 500;

const dialog = byId("acknowledge");
const unfolded = new Set();
let open = [];
let asked = [];
let timer = 0;

const draw = heldWhileUsed(byId("alarm-panel").querySelector(".rail-list"), drawGroups, {
  button: byId("alarms-held"),
  waiting: () => text("held_alarms"),
});

export function showAlarms(alarms) {
  open = alarms;
  const unseen = alarms.filter((alarm) => !alarm.acknowledged_by);
  const count = byId("alarm-count");
  count.hidden = unseen.length === 0;
  say(count, String(unseen.length));
  document.title = document.title.replace(/^\(\d+\) /, "");
  if (unseen.length) document.title = `(${unseen.length}) ${document.title}`;
  showUnattended(unseen.filter((alarm) => alarm.escalated));
  signal(unseen);
  // What comes and goes many times a second is drawn as it stands at the end.
  timer ||= setTimeout(() => {
    timer = 0;
    draw();
  }, byId("alarms").querySelector(".group, .empty.drawn") ? DRAW_EVERY_MS : 0);
}

function showUnattended(alarms) {
  const banner = byId("unattended");
  banner.hidden = alarms.length === 0;
  const names = groupsOf(alarms).map((group) => (group.alarms.length > 1 ? titleOf(group) : labelled(gateTitle(group.alarms[0].gate), titleOf(group))));
  say(banner, labelled(text("alarm.unattended"), names.join(text("punctuation.semicolon"))));
}

/** Alarms of a kind that nobody has seen, or that somebody looks after, together: the unseen first, then the worst. */
function groupsOf(alarms) {
  const groups = new Map();
  for (const alarm of alarms) {
    const isSeen = Boolean(alarm.acknowledged_by);
    const key = `${isSeen ? 1 : 0}${SEVERITIES.indexOf(alarm.severity)} ${alarm.kind}`;
    const group = groups.get(key) ?? { key, kind: alarm.kind, severity: alarm.severity, isSeen, alarms: [] };
    group.alarms.push(alarm);
    groups.set(key, group);
  }
  for (const group of groups.values()) group.alarms.sort((one, other) => (one.id < other.id ? 1 : -1));
  return [...groups.values()].sort((one, other) => (one.key < other.key ? -1 : 1));
}

/** "36 × Controller offline", or the kind alone. */
const titleOf = ({ kind, alarms }) =>
  alarms.length > 1 ? filled("alarm.many", { number: alarms.length, kind: coded("alarm", kind) }) : coded("alarm", kind);

function drawGroups() {
  const list = byId("alarms");
  list.querySelector(".empty")?.remove();
  keyed(list, groupsOf(open), (group) => group.key, makeGroup, updateGroup);
  if (!open.length) list.append(element("li", "empty drawn", text("alarm.none")));
}

function makeGroup(group) {
  const made = element("li", "group");
  const fold = element("button", "plain fold");
  fold.type = "button";
  fold.setAttribute("aria-expanded", "false");
  fold.addEventListener("click", () => {
    if (!unfolded.delete(group.key)) unfolded.add(group.key);
    drawGroups();
  });
  const head = element("div", "group-head",
    element("span", `severity ${group.severity}`, coded("severity", group.severity)),
    element("strong", ""),
    fold,
    element("span", "where"),
    ...(group.isSeen ? [] : [acknowledgeButton("alarm.acknowledge_all", () => made.alarms)]),
  );
  made.append(head, element("ul", "alarms"));
  return made;
}

function updateGroup(shown, group) {
  shown.alarms = group.alarms;
  const isMany = group.alarms.length > 1;
  const isUnfolded = !isMany || unfolded.has(group.key);
  const [head, list] = shown.children;
  head.hidden = !isMany;
  list.hidden = !isUnfolded;
  shown.classList.toggle("many", isMany);
  shown.classList.toggle("seen", group.isSeen);
  keyed(list, isUnfolded ? group.alarms : [], (alarm) => alarm.id, makeAlarm, updateAlarm);
  if (!isMany) return;
  const title = titleOf(group);
  say(head.querySelector("strong"), title);
  const named = group.alarms.slice(0, NAMED).map((alarm) => gateTitle(alarm.gate));
  const more = group.alarms.length - named.length;
  say(head.querySelector(".where"), listed(named) + (more ? ` ${filled("alarm.and_more", { number: more })}` : ""));
  const fold = head.querySelector(".fold");
  fold.setAttribute("aria-expanded", String(isUnfolded));
  say(fold, text(isUnfolded ? "alarm.fold" : "alarm.unfold"));
  fold.setAttribute("aria-label", labelled(text(isUnfolded ? "alarm.fold" : "alarm.unfold"), title));
  head.querySelector(".acknowledge")?.setAttribute("aria-label", labelled(text("alarm.acknowledge_all"), title));
}

function acknowledgeButton(words, alarms) {
  const button = element("button", "plain acknowledge", text(words));
  button.type = "button";
  button.addEventListener("click", () => ask(alarms()));
  return button;
}

function makeAlarm(alarm) {
  const made = element("li", "alarm");
  const button = acknowledgeButton("alarm.acknowledge", () => [alarm]);
  button.setAttribute("aria-label", labelled(text("alarm.acknowledge"), listed([coded("alarm", alarm.kind), gateTitle(alarm.gate)])));
  made.append(
    element("span", `severity ${alarm.severity}`, coded("severity", alarm.severity)),
    element("strong", "", coded("alarm", alarm.kind)),
    element("span", "where", gateLink(alarm.gate), pictureLink(alarm)),
    element("span", "what"),
    element("span", "since"),
    button,
  );
  return made;
}

/** Leads to what the camera saw; shown once there is a picture, in the line of the gate, so that nothing moves. */
function pictureLink(alarm) {
  const link = element("a", "picture", text("alarm.picture"));
  link.href = `${setup.root}records/alarms/${alarm.id}/pictures`;
  link.setAttribute("aria-label", labelled(text("alarm.picture"), listed([coded("alarm", alarm.kind), gateTitle(alarm.gate)])));
  link.hidden = true;
  return link;
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
  shown.querySelector(".picture").hidden = !alarm.pictures;
  const since = shown.querySelector(".since");
  if (since.dataset.at !== alarm.at) since.replaceChildren(clock(alarm.at));
  since.dataset.at = alarm.at;
  const button = shown.querySelector("button");
  if (alarm.acknowledged_by && button) {
    const by = alarm.note ? labelled(alarm.acknowledged_by, alarm.note) : alarm.acknowledged_by;
    button.replaceWith(element("span", "by", `${text("alarm.acknowledged")} · ${by}`));
  }
}

function ask(alarms) {
  asked = alarms;
  const [first] = alarms;
  byId("acknowledge-title").textContent =
    alarms.length > 1 ? titleOf({ kind: first.kind, alarms }) : `${coded("alarm", first.kind)} · ${gateTitle(first.gate)}`;
  byId("acknowledge-note").value = "";
  byId("acknowledge-problem").textContent = "";
  dialog.showModal();
}

byId("acknowledge-cancel").addEventListener("click", () => dialog.close());

dialog.querySelector("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const note = byId("acknowledge-note").value.trim();
  try {
    if (asked.length > 1) await post(`${setup.root}alarms/acknowledge`, { ids: asked.map((alarm) => alarm.id), note });
    else await post(`${setup.root}alarms/${asked[0].id}/acknowledge`, { note });
    dialog.close();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    byId("acknowledge-problem").textContent = error.message;
  }
});
