// Pictures of the open photo and the next one, held only as long as they are needed.

import { byId, getBlob, setup, text } from "../page.js";
import { draw, reduced } from "../picture.js";

const held = new Map();
const MOST = 3;
const address = (id) => `${setup.reviews}/${id}/picture`;

function fetched(id) {
  if (!held.has(id)) {
    const { clientWidth, clientHeight } = byId("easel");
    held.set(id, getBlob(reduced(address(id), Math.max(clientWidth, clientHeight))).catch(() => {
      held.delete(id);
      return null;
    }));
    while (held.size > MOST) held.delete(held.keys().next().value);
  }
  return held.get(id);
}

export const preloadPicture = (id) => { fetched(id); };
export const forgetPicture = (id) => { held.delete(id); };

let wanted = null;
let drawn = null;

/** Shows the picture of a photo, unless another one is asked for meanwhile. */
export async function showPicture(id) {
  wanted = id;
  if (drawn === id && !byId("figure").hidden) return;
  look(false);
  byId("figure").hidden = drawn !== id;
  byId("no-picture").hidden = false;
  byId("no-picture").textContent = text("review.loading_picture");
  const blob = await fetched(id);
  if (wanted !== id) return;
  const canvas = byId("picture");
  const isDrawn = Boolean(blob) && (await draw(canvas, blob));
  if (wanted !== id) return;
  drawn = isDrawn ? id : null;
  byId("figure").hidden = !isDrawn;
  byId("no-picture").hidden = isDrawn;
  byId("no-picture").textContent = text("review.no_picture");
  if (isDrawn) byId("figure").style.setProperty("--ratio", canvas.width / canvas.height);
}

/** Shows the picture whole, each of its pixels one of the page's, or again as it fits. */
export async function lookCloser(isCloser) {
  const id = drawn;
  const blob = isCloser && id ? await getBlob(address(id)).catch(() => null) : null;
  if (drawn !== id) return;
  const isWhole = Boolean(blob) && (await draw(byId("picture"), blob));
  if (drawn === id) look(isWhole);
}

function look(isCloser) {
  const easel = byId("easel");
  byId("closer").checked = isCloser;
  easel.classList.toggle("closer", isCloser);
  easel.tabIndex = isCloser ? 0 : -1;
  if (!isCloser) return;
  byId("figure").style.setProperty("--width", `${byId("picture").width}px`);
  easel.scrollTo((easel.scrollWidth - easel.clientWidth) / 2, (easel.scrollHeight - easel.clientHeight) / 3);
}
