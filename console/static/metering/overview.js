// The staff's pages of metering: sections that follow the server, and forms whose fields are sent as JSON.

import "../sign_in_again.js";
import { isLive, setLive } from "../freshness.js";
import { followMark, freshSections } from "../mark.js";
import { drawCharts } from "./charts.js";
import { openForm, whenDone } from "./forms.js";
import { byId, setup } from "../page.js";

let refreshing = null;

/** Fetches the page anew and puts in what differs; what is open in a dialog stays, and so does the focus. */
export function refresh() {
  refreshing ??= fetchAnew().finally(() => { refreshing = null; });
  return refreshing;
}

async function fetchAnew() {
  const sections = await freshSections();
  if (!sections) return;
  for (const [section, newer] of sections) replace(section, newer);
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

if (setup.stream) followMark(refresh);
