// Rows of passages.

import { clock, coded, element, gateTitle, listed, setup, text } from "../page.js";

const REFUSALS = new Set(["access_denied", "face_refused", "command_refused", "exit_refused", "spoof"]);

/** A row; with `onWhy`, what was refused gets a button that asks why, and the events it is made of can be unfolded. */
export function eventRow(event, { withGate, onWhy }) {
  const outcome = event.granted === true ? "granted" : event.granted === false ? "refused" : "";
  const row = element("tr", outcome);
  row.dataset.kind = event.kind;
  row.dataset.sequence = event.sequence;
  const cells = [
    [clock(event.at)],
    [...kindOf(event), onWhy && event.events?.length > 1 ? unfolded(event.events) : null],
    [event.person ?? orderedBy(event)],
    [coded("method", event.method)],
    [reasons(event), onWhy && REFUSALS.has(event.kind) ? whyButton(event, onWhy) : null],
    [event.latency_ms === null ? "" : `${Math.round(event.latency_ms)} ms`],
  ];
  if (withGate) cells.splice(1, 0, [gateLink(event.gate)]);
  cells.forEach((content, index) => row.append(element("td", index === cells.length - 1 ? "number" : "", ...content)));
  row.cells[withGate ? 2 : 1].classList.add("kind");
  return row;
}

const kindOf = (event) => [
  coded("kind", event.kind),
  event.outcome ? element("small", "outcome", ` · ${coded("kind", event.outcome)}`) : null,
  event.historical ? element("small", "late", ` ${text("historical")}`) : null,
];

/** The events of one passage, each with its own time. */
function unfolded(events) {
  const lines = events.map((one) =>
    element("li", "", clock(one.at), ` ${coded("kind", one.kind)} · ${text(one.source === "edge" ? "camera_node" : "controller")}`));
  return element("details", "", element("summary", "", text("gate_page.details")), element("ul", "steps", ...lines));
}

/** Who gave the order that this came of, and who confirmed it. */
function orderedBy({ order }) {
  if (!order) return "";
  return order.confirmed_by ? `${order.by} · ${text("order.confirmed")}${text("punctuation.space")}${order.confirmed_by}` : order.by;
}

/** The reason, the note of an order, and what somebody must hear beside a grant. */
function reasons(event) {
  const notices = (event.notices ?? []).map((notice) => coded("reason", notice));
  const why = [coded("reason", event.reason), event.order?.note].filter(Boolean).join(" · ");
  if (!notices.length) return why;
  return element("span", "", why, " · ", element("strong", "heard", listed(notices)));
}

export function gateLink(name) {
  if (name === "-") return gateTitle(name);
  const link = element("a", "", gateTitle(name));
  link.href = `${setup.gates}/${name}`;
  return link;
}

function whyButton(event, onWhy) {
  const button = element("button", "plain small", text("gate_page.why_button"));
  button.type = "button";
  button.addEventListener("click", () => onWhy(event));
  return button;
}
