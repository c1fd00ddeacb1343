// The staff's pages of metering: sections that follow the server, and forms whose fields are sent as JSON.

import "../sign_in_again.js";
import { isLive, setLive } from "../freshness.js";
import { follow } from "../live.js";
import { drawCharts } from "./charts.js";
import { openForm, whenDone } from "./forms.js";
import { askToSignIn, byId, setup } from "../page.js";

let shown = setup.mark;
let refreshing = null;

/** Fetches the page anew and puts in what differs; what is open in a dialog stays, and so does the focus. */
export function refresh() {
  refreshing ??= fetchAnew().finally(() => { refreshing = null; });
  return refreshing;
}

async function fetchAnew() {
  const answer = await fetch(location.href).catch(() => null);
  if (answer?.status === 401) {
    await askToSignIn();
    return fetchAnew();
  }
  if (!answer?.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const section of document.querySelectorAll("[data-live]")) {
    const newer = fresh.getElementById(section.id);
    if (newer) replace(section, newer);
  }
  drawCharts();
  if (byId("link")) setLive(isLive());
}

function replace(section, newer) {
  if (section.dataset.was === newer.innerHTML) return;
  const key = section.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  const open = [...section.querySelectorAll("details")].map((one) => one.open);
  section.dataset.was = newer.innerHTML;
  section.innerHTML = newer.innerHTML;
  section.querySelectorAll("details").forEach((one, place) => { one.open = open[place] ?? false; });
  if (key) section.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus();
}

document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-open]");
  if (button) openForm(byId(button.dataset.open), button.dataset);
  target.closest("[data-close]")?.closest("dialog").close();
});

whenDone(refresh);
drawCharts();

if (setup.stream) {
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
