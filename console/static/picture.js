// Pictures, drawn on canvases: nothing of them is kept by the browser, and no address of one can be passed on.

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
