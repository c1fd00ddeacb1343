// The list of passages: one row for what belongs together, however many events it is told by.

import { eventRow } from "./events.js";
import { heldWhileUsed } from "./hold.js";
import { byId, text } from "../page.js";

const DRAW_EVERY_MS = 300;
const OUTCOMES = ["passed", "not_taken", "relocked"];

/** What one passage was: the most telling event, with what the others know beside. `events` are of one passage. */
function join(events) {
  const ordered = [...events].sort((one, other) => one.at.localeCompare(other.at) || one.sequence - other.sequence);
  const headline = ordered.reduce((best, one) => (one.rank < best.rank ? one : best));
  const first = (name) => ordered.find((one) => one[name] !== null && one[name] !== "")?.[name] ?? null;
  return {
    ...headline,
    at: ordered[0].at,
    person: first("person"),
    method: first("method"),
    order: first("order"),
    latency_ms: headline.latency_ms ?? first("latency_ms"),
    notices: [...new Set(ordered.flatMap((one) => one.notices))],
    outcome: OUTCOMES.find((kind) => kind !== headline.kind && ordered.some((one) => one.kind === kind)) ?? null,
    events: ordered,
  };
}

/** Rows in the table's body `#events`, the passage that began last first. `options` are those of `eventRow`. */
export class PassageList {
  #body = byId("events");
  #passages = new Map();
  #draw;
  #timer = 0;

  constructor({ most = Infinity, ...options }) {
    this.most = most;
    this.options = options;
    const place = this.#body.closest(".events-box");
    const waiting = () => text("held_events");
    this.#draw = heldWhileUsed(place, () => this.#show(), { button: byId("events-held"), waiting, focus: true });
  }

  add(events) {
    for (const event of events) {
      const key = `${event.gate} ${event.passage}`;
      const known = this.#passages.get(key) ?? new Map();
      known.set(event.sequence, event);
      this.#passages.set(key, known);
    }
    // Rows are made anew rather than moved; many events in one moment are drawn once.
    this.#timer ||= setTimeout(() => {
      this.#timer = 0;
      this.#draw();
    }, this.#body.querySelector(".empty") ? 0 : DRAW_EVERY_MS);
  }

  #show() {
    const begun = (known) => Math.min(...known.keys());
    const ordered = [...this.#passages].sort(([, one], [, other]) => begun(other) - begun(one));
    for (const [key] of ordered.slice(this.most)) this.#passages.delete(key);
    const rows = ordered.slice(0, this.most).map(([, known]) => eventRow(join([...known.values()]), this.options));
    this.#body.replaceChildren(...rows);
  }
}
