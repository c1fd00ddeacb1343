// Sending a photo, with progress. A sign-in that ran out is asked for again, and the same file is sent again.

import { askToSignIn, refusal, Refused, text } from "../page.js";

const SLOWEST_MS = 180_000;

/** Sends `file` as the form field `file`; `onProgress` gets 0…1, and 1 means that the server is checking. */
export async function upload(address, file, onProgress) {
  for (;;) {
    const { status, body } = await send(address, file, onProgress);
    if (status === 401) await askToSignIn();
    else if (status >= 200 && status < 300) return body;
    else throw refusal(body);
  }
}

function send(address, file, onProgress) {
  const form = new FormData();
  form.append("file", file, file.name || "photo.jpg");
  return new Promise((done, fail) => {
    const request = new XMLHttpRequest();
    request.open("POST", address);
    request.timeout = SLOWEST_MS;
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) onProgress(event.loaded / event.total);
    });
    request.upload.addEventListener("load", () => onProgress(1));
    request.addEventListener("load", () => done({ status: request.status, body: parse(request.responseText) }));
    for (const gone of ["error", "timeout", "abort"]) {
      request.addEventListener(gone, () => fail(new Refused(`${text("offline")} ${text("photo.kept")}`)));
    }
    request.send(form);
  });
}

function parse(content) {
  try {
    return JSON.parse(content);
  } catch {
    return null;
  }
}
