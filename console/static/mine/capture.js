// Taking or choosing a photo, looking at it once more, and handing it in. The file is kept until it has arrived.

import { canUseCamera, takePhoto } from "./camera.js";
import { byId, filled, Refused, setup, show, text } from "../page.js";
import { draw } from "../picture.js";
import { upload } from "./upload.js";

const MEGABYTE = 1_048_576;
/** Refusals that the same file gets again. */
const FINAL = new Set(["photo_unreadable", "photo_too_large", "photo_unlike_first", "photo_same_as_first", "first_photo_missing"]);

let chosen = null;
let slot = "first";
let handedIn = () => {};
let isSending = false;

/** Sets what is called with a photo that has arrived and was checked. */
export function onHandedIn(handler) {
  handedIn = handler;
}

/** Shows how to take a first photo, unless one has been chosen and waits to be sent. */
export function showCapture() {
  if (chosen) return;
  aim("first");
  show("capture", true);
}

function aim(wanted) {
  slot = wanted;
  show("capture-second", slot === "second");
}

export function hideCapture() {
  chosen = null;
  show("capture", false);
  show("chosen", false);
}

/** Lets the person choose a photo for a slot, beside what is there. */
export function chooseAnother(wanted = slot) {
  chosen = null;
  aim(wanted);
  show("chosen", false);
  show("capture", true);
  byId("take").focus();
  byId("capture").scrollIntoView({ block: "nearest" });
}

byId("take").addEventListener("click", async () => {
  if (!canUseCamera()) return byId("shot").click();
  const file = await takePhoto();
  if (file) await look(file);
});
byId("choose").addEventListener("click", () => byId("file").click());

for (const id of ["file", "shot"]) {
  byId(id).addEventListener("change", async (event) => {
    const [file] = event.target.files;
    if (file) await look(file);
    event.target.value = "";
  });
}

/** Shows what was chosen, and what is wrong with it already. */
async function look(file) {
  chosen = file;
  show("capture", false);
  show("chosen", true);
  show("sending", false);
  problem(unusable(file));
  const isDrawn = await draw(byId("preview"), file);
  if (chosen !== file) return;
  show("preview", isDrawn);
  show("no-preview", !isDrawn);
  byId("no-preview").textContent = `${file.name}\n${text("photo.no_preview")}`;
  byId("chosen").scrollIntoView({ block: "start" });
  (byId("use").disabled ? byId("other") : byId("use")).focus();
}

function unusable(file) {
  if (file.size === 0) return text("photo.empty");
  if (file.size > setup.mostBytes) return filled("photo.too_large", { size: Math.ceil(file.size / MEGABYTE) });
  return "";
}

function problem(message, { canRepeat = false } = {}) {
  byId("chosen-problem").textContent = message;
  byId("use").disabled = Boolean(message) && !canRepeat;
  byId("use").textContent = text(canRepeat && message ? "try_again" : "photo.use");
}

byId("other").addEventListener("click", () => {
  if (!isSending) chooseAnother();
});

byId("use").addEventListener("click", async () => {
  if (isSending) return;
  isSending = true;
  problem("");
  show("sending", true);
  byId("use").disabled = byId("other").disabled = true;
  progress(0);
  try {
    const photo = await upload(slot === "second" ? `${setup.photos}?slot=second` : setup.photos, chosen, progress);
    await handedIn(photo);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const advice = error.body?.rules?.map((rule) => rule.advice?.[document.documentElement.lang]).filter(Boolean) ?? [];
    problem([error.message, ...advice].join(" "), { canRepeat: !FINAL.has(error.code) });
  } finally {
    isSending = false;
    show("sending", false);
    byId("other").disabled = false;
  }
});

function progress(share) {
  const bar = byId("progress");
  if (share < 1) bar.value = share;
  else bar.removeAttribute("value");
  const words = share < 1 ? `${text("photo.sending")} ${Math.round(share * 100)}%` : text("photo.checking");
  // A screen reader hears the beginning and the check, not every percent.
  byId("sending-what").setAttribute("aria-live", share === 0 || share === 1 ? "polite" : "off");
  byId("sending-what").textContent = words;
}
