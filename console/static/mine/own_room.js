// The room somebody lives in: what is left, whether there is light and what to do, the price and where it comes from.

import { bracketed, byId, clock, coded, element, fetchModule, filled, keyed, labelled, listed, say, text } from "../page.js";
import { calendarDay, kwh, pricePerKwh, ruledKwh, yuan } from "../units.js";

/** Shows the room; `changed` is called when something was applied for. */
export function showRoom(home, changed) {
  byId("room-name").textContent = `${home.building} ${home.number}`;
  showMoney(home.money);
  showSupply(home.supply, changed);
  showNotices(home.supply.notices);
  showPrice(home);
}

function showMoney(money) {
  say(byId("balance"), yuan(money.available_fen));
  byId("balance").classList.toggle("bad", money.available_fen <= 0);
  byId("balance").classList.toggle("warn", money.available_fen > 0 && money.is_low);
  say(byId("energy-left"), kwh(money.energy_left_wh));
  say(byId("days-left"), money.days_left === null ? text("usage.days_unknown") : filled("usage.days", { days: money.days_left }));
  const used = filled("usage.used_since", { energy: kwh(money.used_wh), sum: yuan(money.used_fen) });
  byId("balance-detail").replaceChildren(
    labelled(text("usage.balance_booked"), yuan(money.balance_fen)), " · ", used,
    ...(money.read_until ? [" · ", text("usage.read_until"), " ", clock(money.read_until)] : []),
  );
  byId("low").hidden = !(money.is_low || money.available_fen <= 0) || money.is_vacant;
  byId("low").textContent = text(money.available_fen <= 0 ? "usage.owes" : "usage.is_low");
  byId("vacant").hidden = !money.is_vacant;
}

function showSupply(supply, changed) {
  const line = byId("supply");
  line.className = `supply supply-${supply.state}`;
  say(byId("supply-state"), coded("supply", supply.state));
  say(byId("supply-advice"), supply.advice === "nothing" ? "" : coded("advice", supply.advice));
  const needed = byId("supply-needed");
  needed.hidden = !supply.needed_fen;
  needed.textContent = filled("usage.needed", { sum: yuan(supply.needed_fen) });
  byId("put-off").hidden = !supply.put_off_until;
  if (supply.put_off_until) byId("put-off").replaceChildren(text("usage.put_off"), text("punctuation.space"), clock(supply.put_off_until));
  keyed(byId("grounds"), supply.grounds, (one) => one.reason, () => element("li"), (shown, ground) => {
    const mark = JSON.stringify(ground);
    if (shown.mark === mark) return;
    shown.mark = mark;
    shown.replaceChildren(...describeGround(ground, changed));
  });
  showSteps(supply.steps);
  const silent = supply.meters.filter((meter) => meter.silent_since);
  byId("silent").hidden = silent.length === 0;
  byId("silent").replaceChildren(...silent.flatMap((meter) => [filled("usage.meter_silent", { serial: meter.serial }), " ", clock(meter.silent_since)]));
}

function describeGround(ground, changed) {
  const parts = [
    element("strong", "", coded("trip_reason", ground.reason)), " · ", text("usage.since"), " ", clock(ground.began_at), element("br"),
    labelled(text("usage.ends_by"), coded("lifted_by", ground.lifted_by)),
    ...(ground.until ? [" · ", clock(ground.until)] : []),
  ];
  if (ground.application) {
    const state = coded("application", ground.application.state);
    parts.push(element("br"), labelled(text("usage.applied"), state), " · ", clock(ground.application.asked_at));
  }
  if (ground.can_apply) {
    const button = element("button", "plain", text("usage.apply"));
    button.type = "button";
    button.addEventListener("click", () => fetchModule("mine/supply_application.js", ({ askForLift }) => askForLift(ground.reason, changed)));
    parts.push(element("br"), button);
  }
  return parts;
}

/** Paid, armed, button pressed: how far a top-up has come, each with its time. */
function showSteps(steps) {
  const list = byId("steps");
  list.hidden = !steps;
  const now = (steps ?? []).findIndex((step) => !step.is_done);
  list.replaceChildren(...(steps ?? []).map((step, place) => {
    const how = step.is_done ? "done" : place === now ? "now" : "later";
    const made = element("li", how, element("strong", "", coded("supply_step", step.name)), element("span", "", step.at ? clock(step.at) : null));
    if (how === "now") made.setAttribute("aria-current", "step");
    return made;
  }));
}

function showNotices(notices) {
  byId("notices-panel").hidden = notices.length === 0;
  keyed(byId("notices"), notices, (notice) => notice.id, describeNotice, () => {});
}

function describeNotice(notice) {
  const about = [
    notice.fen === null ? null : yuan(notice.fen),
    notice.reason ? coded("trip_reason", notice.reason) : null,
  ].filter(Boolean);
  return element(
    "li", "entry-line",
    element(
      "span", "entry-what", coded("room_notice", notice.kind), about.length ? bracketed(listed(about)) : null,
      notice.until ? element("span", "small", text("usage.from"), " ", clock(notice.until)) : null,
    ),
    element("span", "small", clock(notice.at)),
  );
}

const row = (name, ...value) => element("div", "", element("dt", "", name), element("dd", "", ...value));

function showPrice({ price, money }) {
  byId("price-panel").hidden = !price;
  if (!price) return;
  const rate = coded("rate", price.rate);
  byId("price-now").textContent = pricePerKwh(price.price);
  byId("price-why").textContent = listed([rate, ...(price.tier_limits_wh.length ? [filled("usage.tier", { tier: price.tier })] : [])]);
  const rows = [row(text("usage.plan"), price.plan, " · ", text("usage.valid_from"), " ", calendarDay(price.starts_on))];
  if (price.rate_until) rows.push(row(text("usage.rate_until"), price.rate_until));
  if (price.next_tier_at_wh !== null) {
    const window = coded("tier_window", price.tier_window);
    rows.push(row(text("usage.tier_used"), filled("usage.tier_of", { used: kwh(price.tier_used_wh), limit: ruledKwh(price.next_tier_at_wh), window })));
  }
  for (const quota of money.quotas) {
    rows.push(row(
      text("usage.quota_left"), `${kwh(quota.left_wh)} / ${kwh(quota.granted_wh)}`,
      ...(quota.last_day ? [" · ", text("usage.until"), " ", calendarDay(quota.last_day)] : []),
    ));
  }
  if (price.quota) rows.push(row(text("usage.quota"), quotaRule(price.quota)));
  byId("price-rows").replaceChildren(...rows);
  byId("price-table").replaceChildren(priceTable(price, price.rate, price.tier));
  const next = price.next_plan;
  byId("next-plan").hidden = !next;
  if (next) {
    byId("next-plan-name").replaceChildren(element(
      "span", "", labelled(text("usage.next_plan"), next.plan), " · ", text("usage.valid_from"), " ", calendarDay(next.starts_on),
    ));
    byId("next-plan-table").replaceChildren(priceTable(next));
  }
  byId("price-hours").textContent = price.periods.length > 1
    ? labelled(text(price.is_holiday ? "usage.hours_holiday" : "usage.hours_workday"), listed(price.periods.map((one) => `${one.begins} ${coded("rate", one.rate)}`)))
    : "";
}

function quotaRule(quota) {
  const parts = [
    filled(`usage.quota_${quota.share}`, { energy: ruledKwh(quota.wh), window: coded("tier_window", quota.window) }),
    coded("quota_expiry", quota.expiry),
  ];
  if (quota.months_without.length) parts.push(filled("usage.quota_without", { months: listed(quota.months_without.map(String)) }));
  return listed(parts);
}

/** Tiers by rates; what holds now is marked. */
function priceTable({ tier_limits_wh: limits, rates }, rate = null, tier = null) {
  const tierName = (place) => {
    if (limits.length === 0) return text("usage.price");
    return place === limits.length
      ? filled("usage.above", { from: ruledKwh(limits[place - 1]) }) : filled("usage.up_to", { to: ruledKwh(limits[place]) });
  };
  const head = element("tr", "", element("th", "", "¥/kWh"), ...rates.map((one) => element("th", "number", coded("rate", one.name))));
  const rows = [...limits, null].map((_, place) => element(
    "tr", "",
    Object.assign(element("th", "", tierName(place)), { scope: "row" }),
    ...rates.map((one) => element(
      "td", one.name === rate && place + 1 === tier ? "number current" : "number", pricePerKwh(one.prices[place]).replace("/kWh", ""),
    )),
  ));
  return element("table", "", element("thead", "", head), element("tbody", "", ...rows));
}
