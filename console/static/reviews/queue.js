// The queue: the oldest first, filtered, with what others have claimed marked.

import { bracketed, byId, clock, element, get, keyed, listed, setup, text } from "../page.js";
import { fault } from "../rules.js";

let items = [];
let following = null;
let fingerprint = null;
let opened = () => {};
let filtered = () => {};

export const queue = () => items;
/** What the server said of the whole queue with the photos that are shown; nothing before the first answer. */
export const queueFingerprint = () => fingerprint;
export const onOpen = (handler) => { opened = handler; };
export const onFilter = (handler) => { filtered = handler; };

const form = byId("filters");
const filters = () => [...new FormData(form)].filter(([, value]) => value !== "");
export const filtersInUse = () => filters().length;

function address(cursor) {
  const query = new URLSearchParams(filters());
  if (cursor) query.set("cursor", cursor);
  return `${setup.queue}?${query}`;
}

export async function loadQueue() {
  const found = await get(address(null));
  items = found.items;
  following = found.next;
  fingerprint = found.fingerprint;
  render();
}

async function loadMore() {
  const found = await get(address(following));
  items = [...items, ...found.items];
  following = found.next;
  render();
}

/** The photo `by` places after the one with `id` that nobody else has claimed; without `id`, the first such. */
export function neighbour(id, by) {
  const start = id === null ? -1 : items.findIndex((one) => one.id === id);
  if (id !== null && start < 0) return null;
  for (let at = start + by; at >= 0 && at < items.length; at += by) {
    if (!items[at].is_taken && !items[at].is_own) return items[at];
  }
  return id === null ? (items[0] ?? null) : null;
}

export function markOpen(id) {
  for (const shown of byId("queue").children) {
    const isOpen = shown.dataset.key === id;
    const button = shown.querySelector("button");
    if (isOpen) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
    if (isOpen) shown.scrollIntoView({ block: "nearest", inline: "nearest" });
  }
}

function render() {
  keyed(byId("queue"), items, (one) => one.id, make, update);
  const empty = byId("queue-empty");
  empty.hidden = items.length > 0;
  const isFiltered = filtersInUse() > 0;
  empty.querySelector("span").textContent = text(isFiltered ? "review.empty_filter" : "review.empty");
  byId("filter-count").hidden = !isFiltered;
  byId("filter-count").textContent = filtersInUse();
  byId("more").hidden = !following;
  const flawless = items.filter((one) => one.is_flawless && !one.is_own && !one.is_taken).length;
  byId("flawless").hidden = flawless === 0;
  byId("flawless").textContent = text("review.flawless") + bracketed(flawless);
}

function make(photo) {
  const button = element("button", "entry");
  button.type = "button";
  button.addEventListener("click", () => opened(items.find((one) => one.id === photo.id) ?? photo));
  return element("li", "", button);
}

function update(shown, photo) {
  const failed = photo.rules.filter((rule) => !rule.passed).map(fault);
  const marks = [
    photo.is_own ? ["own", text("review.own_badge")] : null,
    photo.is_taken ? ["taken", `${text("review.taken_badge")} · ${photo.claimed_by}`] : null,
    photo.identity?.unusual ? ["unusual", text("review.duplicate_badge")] : null,
  ].filter(Boolean);
  const content = JSON.stringify([failed, marks, photo.verdict]);
  if (shown.dataset.content === content) return;
  shown.dataset.content = content;
  shown.firstChild.className = `entry ${photo.verdict}${photo.is_taken ? " taken" : ""}`;
  shown.firstChild.replaceChildren(
    element("span", "name", photo.person.name),
    element("span", `verdict ${photo.verdict}`, text(`verdict.${photo.verdict}`)),
    element("span", "what", failed.length ? listed(failed) : text("life.passed")),
    element("span", "when", clock(photo.uploaded_at)),
    ...marks.map(([kind, words]) => element("span", `tag ${kind}`, words)),
  );
}

form.addEventListener("change", () => filtered());
form.addEventListener("reset", () => setTimeout(() => filtered()));
byId("more").addEventListener("click", loadMore);
