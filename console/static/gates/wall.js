// The wall: a tile for each gate, in its place, and above them places for those that need a look.

import { dayOf, isToday, minuteOf } from "../campus_time.js";
import { showAlarms } from "./alarms.js";
import { withSilent } from "./gates.js";
import { followGates } from "../live.js";
import { showWaiting } from "./orders.js";
import { byId, coded, gateTitle, labelled, places, say, text } from "../page.js";
import { standing } from "./states.js";

const following = new Set(places.following);
const last = new Map(Object.entries(places.last));
const tiles = new Map([...byId("tiles").querySelectorAll(".tile")].map((tile) => [tile.dataset.gate, tile]));
const trouble = byId("trouble");

/** Let in, refused; everything else is something to look up. */
const MARKS = new Map([[true, "✓"], [false, "✗"]]);

let views = [];
let alarms = [];
/** Until they are heard of, what needs a look is not known either. */
let isAlarmed = false;
let isDue = false;

/** Draws once for all that comes in one moment. */
function draw() {
  if (isDue) return;
  isDue = true;
  requestAnimationFrame(() => {
    isDue = false;
    drawNow();
  });
}

function drawNow() {
  const all = withSilent(views).map((view) => ({ gate: view.gate, ...standing(view, alarms) }));
  for (const one of all) if (tiles.has(one.gate)) update(tiles.get(one.gate), one);
  if (!isAlarmed) return;
  const troubled = all.filter((one) => one.isTrouble).sort((one, other) => one.rank - other.rank);
  showTrouble(troubled);
  say(byId("gates-summary"), `${labelled(text("gates"), all.length)} · ${labelled(text("need_a_look"), troubled.length)}`);
}

function update(tile, { gate, shape, words }) {
  const wanted = `tile is-${shape}`;
  if (tile.className !== wanted) tile.className = wanted;
  say(tile.querySelector(".state"), words);
  const told = last.get(gate);
  say(tile.querySelector(".last"), told ? when(told) : "");
  const title = told ? `${gateTitle(gate)} · ${words} · ${when(told)} ${coded("kind", told.kind)}` : `${gateTitle(gate)} · ${words}`;
  if (tile.title !== title) tile.title = title;
}

function when(told) {
  const at = new Date(told.at);
  const shown = isToday(at) ? minuteOf(at) : dayOf(at);
  const isWide = !byId("tiles").classList.contains("small");
  if (isWide) return `${shown} ${coded("kind", told.kind)}`;
  return `${MARKS.get(told.granted) ?? "!"} ${shown}`;
}

/**
 * What needs a look keeps its place until it needs none any more: the places do not move up. What comes takes the first
 * free place, or that of something less grave.
 */
const slots = [];

function showTrouble(troubled) {
  const number = slotCount();
  slots.length = number;
  const found = new Map(troubled.map((one) => [one.gate, one]));
  for (let place = 0; place < number; place += 1) slots[place] = found.get(slots[place]?.gate) ?? null;
  const shown = new Set(slots.filter(Boolean).map((one) => one.gate));
  for (const one of troubled) {
    if (shown.has(one.gate)) continue;
    let place = slots.indexOf(null);
    if (place < 0) place = slots.reduce((worst, other, at) => (other.rank > slots[worst].rank ? at : worst), 0);
    if (slots[place] && slots[place].rank <= one.rank) break;
    slots[place] = one;
  }
  const count = byId("trouble-count");
  count.hidden = troubled.length === 0;
  say(count, String(troubled.length));
  say(byId("trouble-words"), text(troubled.length ? "need_a_look_title" : "wall.all_well"));
  while (trouble.children.length > number) trouble.lastElementChild.remove();
  slots.forEach(showSlot);
}

const slotCount = () => {
  const style = getComputedStyle(trouble);
  const rows = trouble.classList.contains("large") ? 1 : 2;
  return style.gridTemplateColumns.split(" ").length * rows;
};

function showSlot(one, place) {
  const before = trouble.children[place];
  if (before && (before.dataset.slot ?? "") === (one?.gate ?? "")) {
    if (one) update(before, one);
    return;
  }
  const made = one ? tiles.get(one.gate)?.cloneNode(true) : null;
  const slot = made ?? Object.assign(document.createElement("span"), { className: "tile empty-slot" });
  delete slot.dataset.gate;
  slot.dataset.slot = one?.gate ?? "";
  if (before) before.replaceWith(slot);
  else trouble.append(slot);
  if (made) update(made, one);
}

byId("fullscreen")?.addEventListener("click", () => {
  if (document.fullscreenElement) document.exitFullscreen();
  else document.documentElement.requestFullscreen();
});
addEventListener("resize", draw);

drawNow();
followGates({
  gates(found) {
    views = found;
    draw();
  },
  alarms(open) {
    alarms = open;
    isAlarmed = true;
    showAlarms(open);
    draw();
  },
  orders: showWaiting,
  passage(event) {
    if (following.has(event.kind)) return;
    const known = last.get(event.gate);
    if (known && known.at > event.at) return;
    last.set(event.gate, event);
    draw();
  },
});
