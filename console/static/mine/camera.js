// The live view with an oval guide. What is taken is what the view shows, unmirrored and in the camera's own pixels.

import { byId, text } from "../page.js";

const SHAPE = 3 / 4;
const LEAST_PX = 64;
const dialog = byId("camera");
const video = byId("video");
const shoot = byId("camera-shoot");

export const canUseCamera = () => Boolean(navigator.mediaDevices?.getUserMedia);

/** Shows the live view; gives the picture as a file, or nothing when the person closed it. */
export async function takePhoto() {
  say("camera.starting");
  shoot.disabled = true;
  dialog.showModal();
  const closed = new Promise((done) => dialog.addEventListener("close", () => done(null), { once: true }));
  const opening = open();
  const stream = await Promise.race([opening, closed]);
  if (!stream) {
    // Who has closed the dialog meanwhile is not filmed.
    opening.then(stop);
    return closed;
  }
  try {
    video.srcObject = stream;
    await video.play();
    if ((await Promise.race([firstFrame(), closed])) === null) return null;
    say("camera.guide");
    shoot.disabled = false;
    shoot.focus();
    const shot = new Promise((done) => shoot.addEventListener("click", () => done(grab()), { once: true }));
    return await Promise.race([shot, closed]);
  } finally {
    stop(stream);
    video.srcObject = null;
    if (dialog.open) dialog.close();
  }
}

async function open() {
  try {
    return await navigator.mediaDevices.getUserMedia({
      video: { facingMode: "user", width: { ideal: 1600 }, height: { ideal: 1200 } },
      audio: false,
    });
  } catch (error) {
    say(error.name === "NotFoundError" ? "camera.missing" : "camera.denied");
    return null;
  }
}

function stop(stream) {
  for (const track of stream?.getTracks() ?? []) track.stop();
}

/** Waits for a picture of the camera's: until it comes, a browser plays a placeholder of two pixels. */
async function firstFrame() {
  while (video.videoWidth < LEAST_PX) {
    await new Promise((done) => video.addEventListener("resize", done, { once: true }));
  }
}

async function grab() {
  const canvas = document.createElement("canvas");
  const { videoWidth: width, videoHeight: height } = video;
  canvas.width = Math.round(Math.min(width, height * SHAPE));
  canvas.height = Math.round(Math.min(height, width / SHAPE));
  canvas.getContext("2d").drawImage(video, Math.round((canvas.width - width) / 2), Math.round((canvas.height - height) / 2));
  const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.95));
  return new File([blob], "camera.jpg", { type: "image/jpeg" });
}

function say(key) {
  byId("camera-guide").textContent = text(key);
}

byId("camera-close").addEventListener("click", () => dialog.close());
