// The code of a virtual card: shown for half a minute, then the next one. Codes come in batches, so that a page that
// stays open goes on without a network; the page keeps no secret that codes could be made of.

import { minuteOf } from "../campus_time.js";
import { elapsed, moment } from "../freshness.js";
import { byId, filled, post, say, setup, text } from "../page.js";

const LOOK_EVERY_MS = 250;
const ASK_AGAIN_MS = 5_000;

const picture = byId("code");
const path = picture.querySelector("path");
const another = byId("another");
const quiet = (picture.viewBox.baseVal.width - setup.batch.side) / 2;
let batch = setup.batch;
let came = moment();
let shown = 0;
let asked = null;
let isAway = false;

const age = () => elapsed(came);
const number = () => Math.floor(age() / batch.shownMs);

async function fetchBatch() {
  if (asked && elapsed(asked) < ASK_AGAIN_MS) return;
  asked = moment();
  try {
    const got = await post(setup.codes, { card_id: setup.card });
    batch = got;
    came = moment();
    shown = -1;
    isAway = false;
  } catch (error) {
    // A card that was suspended meanwhile makes no codes: the page says what is to be done.
    if (error.code) location.reload();
    isAway = true;
  }
  look();
}

// The bits are the squares row by row, 1 is dark; a stroke for each dark run.
function drawn(bits) {
  const isDark = (square) => (parseInt(bits[square >> 2], 16) >> (3 - (square % 4))) & 1;
  let strokes = "";
  for (let y = 0; y < batch.side; y++) {
    for (let x = 0; x < batch.side; x++) {
      const begin = x;
      while (x < batch.side && isDark(y * batch.side + x)) x++;
      if (x > begin) strokes += `M${begin + quiet} ${y + quiet}.5h${x - begin}`;
    }
  }
  return strokes;
}

function show(index) {
  shown = index;
  const code = batch.codes[index];
  picture.classList.toggle("over", !code);
  path.setAttribute("d", code ? drawn(code.bits) : "");
  say(byId("digits"), code?.digits ?? "");
}

function look() {
  const index = number();
  if (index !== shown) show(index);
  const isOver = index >= batch.codes.length;
  const left = batch.shownMs - (age() % batch.shownMs);
  byId("countdown").style.width = isOver ? "0" : `${(100 * left) / batch.shownMs}%`;
  say(byId("changes"), isOver ? "" : filled("virtual_card.changes_in", { seconds: Math.ceil(left / 1000) }));
  say(byId("network"), networkWords(isOver));
  if (index >= batch.codes.length / 2) fetchBatch();
}

function networkWords(isOver) {
  if (isOver) return text("virtual_card.over");
  if (!isAway && navigator.onLine) return "";
  const until = minuteOf(new Date(batch.until));
  return filled("virtual_card.offline_until", { until });
}

async function keepAwake() {
  // Not every browser has it, and one with little battery refuses.
  await navigator.wakeLock?.request("screen").catch(() => null);
}

another.hidden = false;
another.addEventListener("click", () => { asked = null; fetchBatch(); });
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState !== "visible") return;
  keepAwake();
  fetchBatch();
});
window.addEventListener("online", () => { asked = null; fetchBatch(); });
window.addEventListener("offline", () => { isAway = true; look(); });
keepAwake();
look();
setInterval(look, LOOK_EVERY_MS);
