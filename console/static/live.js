// The stream of server-sent events, and whether it still speaks. It names the last event it has seen when it comes back,
// so nothing is shown twice and nothing is missed, also when a new connection must be made. The page says that it is
// live once everything there was to tell has been told, and only while the server's beat is heard: a server that hangs
// and a cable that was pulled end no connection.

import { elapsed, moment, setLive } from "./freshness.js";
import { byId, clock, element, leaveToSignIn, setup, text } from "./page.js";

const AGAIN_MS = 2000;
const LOOK_EVERY_MS = 1000;
const ASK_MS = 5000;

/**
 * Follows the stream at `address(last)`; `signedOut` is called when the sign-in is found to be gone, which is asked at
 * `ask`. `handlers` get what the events of their names carry.
 */
export function follow({ address, ask, signedOut, handlers }) {
  let last = null;
  let stream = null;
  let heard = moment();
  let asOf = null;

  function open() {
    stream?.close();
    const mine = new EventSource(address(last));
    stream = mine;
    heard = moment();
    const on = (name, handler) => mine.addEventListener(name, (message) => {
      if (stream !== mine) return;
      heard = moment();
      if (message.lastEventId) last = message.lastEventId;
      handler(JSON.parse(message.data));
    });
    on("up_to_date", ({ at }) => { asOf = at; show("live", asOf); });
    on("beat", ({ at }) => { asOf = at; });
    // The sign-in is renewed with a new connection; what is shown is so meanwhile.
    on("again", open);
    for (const [name, handler] of Object.entries(handlers)) on(name, handler);
    mine.addEventListener("error", () => {
      if (stream !== mine) return;
      show("lost", asOf);
      if (mine.readyState === EventSource.CLOSED) setTimeout(comeBack, AGAIN_MS);
    });
  }

  async function comeBack() {
    const answer = await fetch(ask, { signal: AbortSignal.timeout(ASK_MS) }).catch(() => null);
    if (answer?.status === 401) await signedOut();
    open();
  }

  function look() {
    if (elapsed(heard) <= setup.silentMs) return;
    show("stale", asOf);
    open();
  }

  open();
  setInterval(look, LOOK_EVERY_MS);
  document.addEventListener("visibilitychange", look);
}

/** Follows what happens at the gates, or at the page's gate. */
export function followGates(handlers) {
  function address(last) {
    const found = new URL(setup.stream, location.href);
    if (setup.gate) found.searchParams.set("gate", setup.gate);
    if (last !== null) found.searchParams.set("after", last);
    return found;
  }
  const { gates, alarms, ...others } = handlers;
  const kept = { ...keptWhole("gates", (view) => view.gate, gates), ...keptWhole("alarms", (alarm) => alarm.id, alarms) };
  follow({ address, ask: setup.gates, signedOut: leaveToSignIn, handlers: { ...kept, ...others } });
}

/** Handlers of what is sent whole first and then as it changes; `handler` is always given all of it. */
function keptWhole(name, keyOf, handler) {
  const items = new Map();
  const put = (some) => { for (const one of some) items.set(keyOf(one), one); };
  return {
    [name](all) {
      items.clear();
      put(all);
      handler([...items.values()]);
    },
    [`${name}_changed`](changed) {
      for (const key of changed.gone) items.delete(key);
      put(changed.put);
      handler([...items.values()]);
    },
  };
}

function show(state, asOf) {
  const link = byId("link");
  const since = () => (asOf ? [` · ${text("as_of")} `, clock(asOf)] : []);
  link.replaceChildren(text(state), ...(state === "live" ? [] : since()));
  link.className = `link ${state}`;
  document.body.classList.toggle("stale", state !== "live");
  const banner = byId("not-live");
  if (banner && banner.hidden !== (state === "live")) {
    banner.hidden = state === "live";
    banner.replaceChildren(text("not_live"), element("strong", "", ...since()));
  }
  setLive(state === "live");
}
