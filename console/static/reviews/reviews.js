// The reviewer's page: a queue, one photo claimed and looked at, a decision from the keyboard, and the next photo.

import "../sign_in_again.js";
import { claimed, letGo, onClaimOver } from "./claim.js";
import { bulk, decide, isDeciding, note, onDecided, takeBack, whenDecided, writeNote } from "./decision.js";
import { followFigures } from "./figures.js";
import { onKey } from "./keys.js";
import { setOverlay, showDrawing } from "./drawing.js";
import { showPanel } from "./panel.js";
import { forgetPicture, lookCloser, preloadPicture, showPicture } from "./pictures.js";
import { loadQueue, markOpen, neighbour, onFilter, onOpen, queue } from "./queue.js";
import { byId, get, post, Refused, setup, text, toast } from "../page.js";

// Sooner nobody decides; a slow line first brings what is on the page.
const LOOKS_MS = 2_000;

let open = null;
let opening = 0;
let preloading = null;

/** Opens a photo: claims it where that is possible, and shows all that is known of it. */
async function show(photo) {
  const before = open;
  open = photo;
  if (before && before.id !== photo?.id) letGo(before);
  note.clear();
  markOpen(photo?.id);
  if (!photo) return showNothing();
  preloadPicture(photo.id);
  await claim();
  preloadNext(photo.id);
}

/** The next picture comes while a reviewer looks at this one, not before this one is there. */
function preloadNext(id) {
  clearTimeout(preloading);
  preloading = setTimeout(() => {
    const next = open?.id === id ? neighbour(id, 1) : null;
    if (next) preloadPicture(next.id);
  }, LOOKS_MS);
}

async function claim() {
  const wanted = open;
  opening += 1;
  try {
    const found = wanted.is_own || !wanted.is_waiting
      ? await get(`${setup.reviews}/${wanted.id}`)
      : await post(`${setup.reviews}/${wanted.id}/claim`, {});
    if (open?.id !== wanted.id) return letGo(found);
    open = found;
    claimed(found);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    if (open?.id !== wanted.id) return;
    if (error.code === "photo_claimed") open = await get(`${setup.reviews}/${wanted.id}`).catch(() => wanted);
    else toast(error.message, false);
    claimed(open);
  } finally {
    opening -= 1;
  }
  draw();
}

function draw() {
  byId("particulars").hidden = byId("decide").hidden = byId("toggles").hidden = false;
  showPanel(open);
  showDrawing(open);
  showPicture(open.id);
}

function showNothing() {
  byId("particulars").hidden = byId("decide").hidden = byId("figure").hidden = true;
  byId("no-picture").hidden = false;
  byId("no-picture").textContent = queue().length ? text("review.choose_one") : text("review.empty_title");
  byId("toggles").hidden = true;
  claimed(null);
}

/** Goes to the photo after (or before) the open one that nobody else has claimed. */
async function step(by) {
  const next = open ? neighbour(open.id, by) : neighbour(null, 1);
  if (next) await show(next);
}

let refreshing = null;
let isStale = false;

/** Loads the queue again, one time after the other: an older answer never replaces a newer one. */
function refresh() {
  isStale = true;
  refreshing ??= refreshUntilFresh().finally(() => { refreshing = null; });
  return refreshing;
}

async function refreshUntilFresh() {
  while (isStale) {
    isStale = false;
    await refreshOnce();
  }
}

/** Keeps the open photo, or goes on to the first one when it has left. */
async function refreshOnce() {
  await whenDecided();
  try {
    await loadQueue();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    toast(error.message, false);
    return;
  }
  const listed = queue().find((one) => one.id === open?.id);
  if (listed) {
    markOpen(open.id);
    if (listed.is_taken !== open.is_taken && !open.is_mine) await claim();
    return;
  }
  await show(neighbour(null, 1));
}

onOpen((photo) => unlessDeciding(() => show(photo)));
onFilter(async () => {
  await loadQueue();
  if (!queue().some((one) => one.id === open?.id)) await show(neighbour(null, 1));
  else markOpen(open.id);
});

onDecided(async (photo) => {
  forgetPicture(photo.id);
  const next = neighbour(photo.id, 1) ?? neighbour(photo.id, -1);
  open = null;
  await loadQueue().catch(() => {});
  await show(next && queue().find((one) => one.id === next.id && !one.is_taken) ? next : neighbour(null, 1));
  byId("who").focus();
});

onClaimOver(() => {
  if (!open) return;
  open = { ...open, is_mine: false };
  showPanel(open);
});

// What comes too early is answered, not lost: a decision belongs to the photo that is shown and claimed.
const oneMoment = () => toast(text("review.one_moment"), false);
const unlessDeciding = (what) => (isDeciding() ? oneMoment() : what());
const decideOpen = (what) => (isDeciding() || opening ? oneMoment() : open && what(open));

// A note can be begun before the photo is there: what is typed after a refused key would be commands.
const write = () => (open?.is_mine || opening || isDeciding()) && writeNote();

byId("approve").addEventListener("click", () => decideOpen(decide.approve));
byId("reject").addEventListener("click", () => decideOpen(decide.reject));
byId("previous").addEventListener("click", () => unlessDeciding(() => step(-1)));
byId("next").addEventListener("click", () => unlessDeciding(() => step(1)));
byId("write").addEventListener("click", write);
byId("claim-again").addEventListener("click", () => open && claim());
byId("help-open").addEventListener("click", () => byId("help").showModal());
byId("overlay").addEventListener("change", (event) => setOverlay(event.target.checked));
byId("closer").addEventListener("change", (event) => lookCloser(event.target.checked));
byId("flawless").addEventListener("click", () => bulk(queue().filter((one) => one.is_flawless && !one.is_own && !one.is_taken), refresh));
byId("undo").addEventListener("click", undo);

async function undo() {
  opening += 1;
  try {
    const photo = await takeBack();
    if (!photo) return;
    await loadQueue().catch(() => {});
    await show(photo);
    byId("who").focus();
  } finally {
    opening -= 1;
  }
}

onKey({
  a: () => decideOpen(decide.approve),
  r: () => decideOpen(decide.reject),
  n: write,
  u: undo,
  j: () => unlessDeciding(() => step(1)),
  k: () => unlessDeciding(() => step(-1)),
  o: () => byId("overlay").click(),
  z: () => byId("closer").click(),
  c: () => byId("claim-again").hidden || byId("claim-again").click(),
  "?": () => byId("help").showModal(),
});

for (const button of document.querySelectorAll("dialog [data-close]")) {
  button.addEventListener("click", () => button.closest("dialog").close());
}

window.addEventListener("pagehide", () => open && letGo(open));

// First the queue: figures that come before its answer would have it loaded twice.
refresh().finally(() => followFigures(refresh));
