// What each day came to, with both readings of each meter and where they come from; and who topped the room up.

import { bracketed, byId, clock, coded, element, fetchModule, filled, get, keyed, labelled, listed, Refused, setup, text, toast } from "../page.js";
import { disputeOf } from "./showers.js";
import { calendarDay, display, kwh, pricePerKwh, yuan } from "../units.js";

let older = [];
let following = null;

/** Lists the charges, newest first; `changed` is called when one was disputed. */
export function listCharges({ items, next }, changed) {
  if (older.length === 0) following = next;
  const known = new Set(items.map((one) => one.id));
  show([...items, ...older.filter((one) => !known.has(one.id))], changed);
  byId("older-charges").onclick = async () => {
    try {
      const found = await get(`${setup.charges}?cursor=${encodeURIComponent(following)}`);
      older = [...older, ...found.items];
      following = found.next;
      listCharges({ items, next }, changed);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      toast(error.message, false);
    }
  };
}

function show(charges, changed) {
  byId("no-charges").hidden = charges.length > 0;
  byId("older-charges").hidden = !following;
  keyed(byId("charges"), charges, (one) => one.id, () => element("li", "entry"), (shown, charge) => {
    const mark = JSON.stringify(charge);
    if (shown.mark === mark) return;
    shown.mark = mark;
    shown.replaceChildren(describe(charge, changed));
  });
}

function describe(charge, changed) {
  const marks = [
    charge.is_withdrawn ? text("usage.withdrawn") : null,
    charge.is_estimated ? text("unit.estimated") : null,
    charge.is_vacant ? text("usage.vacant_day") : null,
    charge.dispute ? coded("dispute", charge.dispute.state) : null,
  ].filter(Boolean);
  const head = element(
    "summary", charge.is_withdrawn ? "withdrawn" : "",
    element("span", "entry-what", calendarDay(charge.day), element("span", "small", listed([kwh(charge.wh), ...marks]))),
    element("strong", "", yuan(charge.fen)),
  );
  const parts = [linesOf(charge), ...charge.meters.map(readingsOf)];
  if (charge.dispute) parts.push(disputeOf(charge.dispute));
  if (charge.can_dispute) {
    const button = element("button", "plain", text("usage.dispute"));
    button.type = "button";
    button.addEventListener("click", () => {
      const what = `${charge.day}${text("punctuation.colon")}${listed([kwh(charge.wh), yuan(charge.fen)])}`;
      fetchModule("mine/dispute.js", ({ askDispute }) => askDispute(`${setup.charges}/${charge.id}/dispute`, what, changed));
    });
    parts.push(button);
  }
  return element("details", "", head, ...parts);
}

const row = (name, value) => element("div", "", element("dt", "", name), element("dd", "", value));

function linesOf(charge) {
  return element("dl", "sums", ...charge.lines.map((line) => {
    const name = line.is_free ? text("usage.quota") : listed([coded("rate", line.rate), filled("usage.tier", { tier: line.tier })]);
    const price = line.is_free ? kwh(line.wh) : `${kwh(line.wh)} × ${pricePerKwh(line.price)}`;
    return row(name, `${price} = ${yuan(line.fen)}${line.is_estimated ? bracketed(text("unit.estimated")) : ""}`);
  }));
}

/** Both readings of a meter, as its display shows them. */
function readingsOf(meter) {
  const readings = ["start", "end"].map((which) => {
    const reading = meter[which];
    const made = element(
      "dd", "", display(reading.digits, meter.decimals), element("br"),
      element("span", "small", clock(reading.at), " · ", coded("reading_source", reading.source),
        reading.quality === "good" ? null : bracketed(coded("reading_quality", reading.quality))),
    );
    return element("div", "", element("dt", "", text(`usage.reading_${which}`)), made);
  });
  const ratio = meter.ratio > 1 ? [row(text("usage.ratio"), `× ${meter.ratio}`)] : [];
  return element("dl", "sums", element("div", "", element("dt", "", labelled(text("usage.meter"), meter.serial)), element("dd", "", kwh(meter.wh))), ...readings, ...ratio);
}

/** Lists who topped the room up, newest first. */
export function listTopUps(topUps) {
  byId("no-top-ups").hidden = topUps.length > 0;
  keyed(byId("top-ups"), topUps, (one) => one.id, () => element("li", "entry-line"), (shown, topUp) => {
    const who = topUp.is_own ? text("usage.by_me") : topUp.paid_by;
    const marks = [
      topUp.is_automatic ? text("usage.automatic") : null,
      topUp.refunded_fen ? filled("usage.refunded", { sum: yuan(topUp.refunded_fen) }) : null,
    ].filter(Boolean);
    shown.replaceChildren(
      element("span", "entry-what", listed([who, ...marks]), element("span", "small", clock(topUp.paid_at))),
      element("strong", "", `+${yuan(topUp.fen)}`),
    );
  });
}
