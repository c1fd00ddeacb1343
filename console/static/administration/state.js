// The state of every process: sections that follow the server. What changed is fetched with the page itself.

import "../sign_in_again.js";
import { follow } from "../live.js";
import { askToSignIn, setup } from "../page.js";

let shown = setup.mark;

async function refresh() {
  const answer = await fetch(location.href).catch(() => null);
  if (answer?.status === 401) {
    await askToSignIn();
    return refresh();
  }
  if (!answer?.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const section of document.querySelectorAll("[data-live]")) {
    const newer = fresh.getElementById(section.id);
    if (newer && newer.innerHTML !== section.innerHTML) section.replaceChildren(...newer.childNodes);
  }
}

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
