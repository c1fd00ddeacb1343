// Pages whose sections follow the server: a stream tells a mark of what is shown, and what changed is fetched with the
// page itself.

import { follow } from "./live.js";
import { askToSignIn, setup } from "./page.js";

/** Each section here with what the server shows of it now; null when the page cannot be had. */
export async function freshSections() {
  const answer = await fetch(location.href).catch(() => null);
  if (answer?.status === 401) {
    await askToSignIn();
    return freshSections();
  }
  if (!answer?.ok) return null;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  return [...document.querySelectorAll("[data-live]")]
    .map((section) => [section, fresh.getElementById(section.id)])
    .filter(([, newer]) => newer);
}

/** Calls `refresh` whenever the mark is another than before. */
export function followMark(refresh) {
  let shown = setup.mark;
  follow({
    address: () => setup.stream,
    ask: location.href,
    signedOut: askToSignIn,
    handlers: {
      mark({ mark }) {
        if (mark === shown) return;
        shown = mark;
        refresh();
      },
    },
  });
}
