// The shower that runs, with its cost so far, and the last ones: litres × price, what was held and what was given back.

import { byId, clock, coded, element, fetchModule, filled, get, keyed, labelled, listed, setup, text } from "../page.js";
import { lasted, litres, pricePerHour, pricePerLitre, yuan } from "../units.js";

/** Shows the shower that is open, or that there is none. */
export function showRunning(shower) {
  byId("running").hidden = !shower;
  if (!shower) return;
  byId("running-place").textContent = shower.place ?? "";
  byId("running-state").textContent = coded("session", shower.state);
  byId("running-cost").textContent = yuan(shower.cost_fen);
  byId("running-water").textContent = listed(waters(shower).map((one) => `${coded("utility", one.utility)} ${litres(one.ml)}`));
  byId("running-time").textContent = lasted(shower.open_s);
  byId("running-held").textContent = yuan(shower.held_fen);
  byId("running-subsidy").textContent = shower.subsidy_fen ? filled("usage.subsidy_pays", { sum: yuan(shower.subsidy_fen) }) : "";
}

function waters(shower) {
  const used = [{ utility: "hot_water", ml: shower.hot_ml }, { utility: "cold_water", ml: shower.cold_ml }];
  const priced = new Set(shower.prices.map((price) => price.utility));
  return used.filter((one) => one.ml > 0 || priced.has(one.utility));
}

/** Lists showers in `container`, newest first; `changed` is called when one was disputed. */
export function listShowers(container, showers, changed) {
  keyed(container, showers, (one) => one.id, () => element("li", "entry"), (shown, shower) => {
    const mark = JSON.stringify(shower);
    if (shown.mark === mark) return;
    shown.mark = mark;
    shown.replaceChildren(...describe(shower, changed));
  });
}

function describe(shower, changed) {
  if (shower.refusal) return refused(shower);
  const head = element(
    "summary", "",
    element("span", "entry-what", shower.place ?? text("usage.shower"), element("span", "small", clock(shower.began_at))),
    element("strong", "", yuan(shower.cost_fen)),
  );
  return [element("details", "", head, sums(shower), ...below(shower, changed))];
}

function refused(shower) {
  return [element(
    "div", "entry-line",
    element("span", "entry-what", shower.place ?? text("usage.shower"), element("span", "small", clock(shower.began_at))),
    element("span", "bad", coded("session_refusal", shower.refusal)),
  )];
}

const row = (name, value) => element("div", "", element("dt", "", name), element("dd", "", value));

/** How the sum came about, line for line. */
function sums(shower) {
  const lines = waters(shower).map(({ utility, ml }) => {
    const price = shower.prices.find((one) => one.utility === utility);
    return row(coded("utility", utility), price ? `${litres(ml)} × ${pricePerLitre(price.fen_per_m3)}` : litres(ml));
  });
  const timed = shower.prices.find((price) => price.fen_per_hour > 0);
  lines.push(row(text("usage.open_for"), timed ? `${lasted(shower.open_s)} × ${pricePerHour(timed.fen_per_hour)}` : lasted(shower.open_s)));
  lines.push(row(text("usage.cost"), yuan(shower.cost_fen)));
  if (shower.subsidy_fen) lines.push(row(text("usage.subsidy"), `−${yuan(shower.subsidy_fen)}`));
  lines.push(row(text("usage.paid"), yuan(shower.paid_fen)));
  if (shower.held_fen) lines.push(row(text("usage.held"), yuan(shower.held_fen)));
  if (shower.given_back_fen !== null && shower.held_fen) lines.push(row(text("usage.given_back"), yuan(shower.given_back_fen)));
  if (shower.loss_ml) lines.push(row(text("usage.lost_water"), litres(shower.loss_ml)));
  return element("dl", "sums", ...lines);
}

function below(shower, changed) {
  const parts = [];
  const why = shower.stop_reason ? labelled(text("usage.ended_because"), coded("stop_reason", shower.stop_reason)) : null;
  if (why) parts.push(element("p", "small", why));
  if (shower.state !== "settled") parts.push(element("p", "small", labelled(text("usage.state"), coded("session", shower.state))));
  if (shower.doubts.length) parts.push(element("p", "notice", text("usage.in_review"), listed(shower.doubts.map((one) => coded("session_doubt", one)))));
  parts.push(readingsOf(shower));
  if (shower.dispute) parts.push(disputeOf(shower.dispute));
  if (shower.can_dispute) {
    const button = element("button", "plain", text("usage.dispute"));
    button.type = "button";
    button.addEventListener("click", () => fetchModule("mine/dispute.js", ({ askDispute }) => askDispute(`${setup.showers}/${shower.id}/dispute`, labelled(shower.place ?? text("usage.shower"), yuan(shower.cost_fen)), changed)));
    parts.push(button);
  }
  return parts;
}

/** What the meters had counted, fetched when somebody looks. */
function readingsOf(shower) {
  const table = element("div", "scroll");
  const opened = element("details", "inner", element("summary", "", text("usage.readings")), table);
  opened.addEventListener("toggle", async () => {
    if (!opened.open || table.childElementCount) return;
    const { readings } = await get(`${setup.showers}/${shower.id}/readings`).catch(() => ({ readings: [] }));
    const head = ["usage.when", "usage.water", "usage.counter", "usage.counted"].map((key) => element("th", "", text(key)));
    table.replaceChildren(element(
      "table", "",
      element("thead", "", element("tr", "", ...head)),
      element("tbody", "", ...readings.map((one) => element(
        "tr", "",
        element("td", "", clock(one.at), one.clock_sure ? null : " ?"),
        element("td", "", coded("utility", one.utility)),
        element("td", "number", one.counter === null ? "–" : String(one.counter)),
        element("td", "number", one.ml === null ? "–" : litres(one.ml)),
      ))),
    ));
  });
  return opened;
}

/** A dispute and its answer. */
export function disputeOf(dispute) {
  const lines = [element("strong", "", labelled(text("usage.disputed"), coded("dispute", dispute.state))), element("span", "", dispute.text)];
  if (dispute.refund_fen) lines.push(element("span", "", labelled(text("usage.refund"), yuan(dispute.refund_fen))));
  if (dispute.answer) lines.push(element("span", "", labelled(text("usage.answer"), dispute.answer)));
  return element("p", "said", ...lines);
}
