// Pictures of the open photo and the next one, held only as long as they are needed.

import { byId, getBlob, setup, text } from "../page.js";
import { draw } from "../picture.js";

const held = new Map();
const MOST = 3;

function fetched(id) {
  if (!held.has(id)) {
    held.set(id, getBlob(`${setup.reviews}/${id}/picture`).catch(() => {
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
