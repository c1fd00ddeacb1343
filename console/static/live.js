// The stream of server-sent events. It names the last event it has seen when it comes back, so nothing is shown twice
// and nothing is missed, also when the browser gives up on a connection and a new one must be made. The page says that
// it is live once everything there was to tell has been told.

import { byId, setup, text } from "./page.js";

const AGAIN_MS = 2000;

export function follow(handlers) {
  let last = null;

  function open() {
    const address = new URL(setup.stream, location.href);
    if (setup.gate) address.searchParams.set("gate", setup.gate);
    if (last !== null) address.searchParams.set("after", last);
    const stream = new EventSource(address);
    stream.addEventListener("up_to_date", () => show("live"));
    stream.addEventListener("error", () => {
      show("lost");
      if (stream.readyState === EventSource.CLOSED) setTimeout(comeBack, AGAIN_MS);
    });
    for (const [name, handler] of Object.entries(handlers)) {
      stream.addEventListener(name, (message) => {
        if (message.lastEventId) last = message.lastEventId;
        handler(JSON.parse(message.data));
      });
    }
  }

  async function comeBack() {
    const answer = await fetch(setup.gates).catch(() => null);
    if (answer?.status === 401) location.assign(setup.root);
    else open();
  }

  open();
}

function show(state) {
  const link = byId("link");
  link.textContent = text(state);
  link.className = `link ${state}`;
}
