// Pictures, drawn on canvases: nothing of them is kept by the browser, and no address of one can be passed on.

/** The longer sides to which the server reduces a picture (`enrollment/preview.py`). */
const SIDES = [240, 480, 960];

/** The address of a picture that is drawn `length` CSS pixels long at most: no more pixels come than will be seen. */
export function reduced(address, length) {
  const side = SIDES.find((one) => one >= length * devicePixelRatio) ?? SIDES.at(-1);
  return `${address}?${new URLSearchParams({ side })}`;
}

/** Draws what `blob` holds on `canvas`; false when the browser cannot read it. */
export async function draw(canvas, blob) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(blob, { imageOrientation: "from-image" });
  } catch {
    return false;
  }
  canvas.width = bitmap.width;
  canvas.height = bitmap.height;
  canvas.getContext("2d").drawImage(bitmap, 0, 0);
  bitmap.close();
  return true;
}
