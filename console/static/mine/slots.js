// What a person's first photo and their second have in common: one at most stands in each slot.

import { byId, element, getBlob, setup, show, text } from "../page.js";
import { draw, reduced } from "../picture.js";

/** How long it is drawn at most. */
const PORTRAIT_PX = 240;
const GONE = new Set(["withdrawn", "replaced"]);

/** The person's photo in a slot, or null. */
export const photoIn = (state, slot) => state.photos.find((photo) => photo.slot === slot && !GONE.has(photo.state)) ?? null;

/** Shows what the reviewer wrote about `photo`, if anything. */
export function showNote(target, photo) {
  target.hidden = !photo?.note;
  target.replaceChildren(element("strong", "", text("photo.reviewer_says")), element("span", "", photo?.note ?? ""));
}

/** Draws the picture of `photo` on the canvas `id`, or shows `no-` and that id where it is not kept. */
export async function showPicture(id, photo) {
  const blob = await getBlob(reduced(`${setup.photos}/${photo.id}/picture`, PORTRAIT_PX)).catch(() => null);
  const isDrawn = Boolean(blob) && (await draw(byId(id), blob));
  show(id, isDrawn);
  show(`no-${id}`, !isDrawn);
}
