// A new price plan: another one's copy with other prices, compared with what holds before it is added.

import { scaled, submit } from "./forms.js";
import { byId, element, filled, newKey, post, Refused, text } from "../page.js";

const dialog = byId("new-prices");
const form = dialog.querySelector("form");
const bases = JSON.parse(byId("bases").textContent);
const FLAT = {
  name: "", rates: [{ name: "flat", prices: [0] }], workday_periods: [{ begins: "00:00:00", rate: "flat" }],
  holiday_periods: [], tier_limits_wh: [], tier_window: "year", quota: null, holidays: [], worked_days: [],
};
const [edit, check] = ["edit", "check"].map((one) => form.querySelector(`[data-${one}]`));
const [back, next, finish] = ["back", "next", "finish"].map((one) => form.querySelector(`[data-${one}]`));
const problem = form.querySelector(".problem");

const written = (value, decimals) => `${Math.floor(value / 10 ** decimals)}.${String(value % 10 ** decimals).padStart(decimals, "0")}`;
const yuan = (fen) => `${fen < 0 ? "-" : ""}¥${written(Math.abs(fen), 2)}`;
const base = () => bases[form.elements.base.value] ?? FLAT;

function field(value, decimals, label) {
  const made = element("input", "figure");
  Object.assign(made, { value: written(value, decimals).replace(/\.0+$/, ""), required: true, inputMode: "decimal", autocomplete: "off" });
  made.pattern = `[0-9]{1,6}([.][0-9]{1,${decimals}})?`;
  made.setAttribute("aria-label", label);
  return made;
}

/** Draws the fields of the chosen plan: a row for each rate, a column for each tier. */
function draw() {
  const plan = base();
  const [head, body] = [form.querySelector(".prices thead"), form.querySelector(".prices tbody")];
  const tier = (index) => (index < plan.tier_limits_wh.length ? filled("metering.tier_up_to", { tier: index + 1 }) : text("metering.above"));
  const limits = plan.tier_limits_wh.map((limit, index) => {
    const cell = field(limit, 3, filled("metering.tier_limit", { tier: index + 1 }));
    cell.dataset.limit = index;
    return element("th", "", tier(index), cell);
  });
  const last = element("th", "", plan.tier_limits_wh.length ? tier(limits.length) : text("metering.price"));
  head.replaceChildren(element("tr", "", element("th", "", text("metering.rate")), ...limits, last));
  body.replaceChildren(...plan.rates.map((rate, row) => element("tr", "", element("th", "", rate.name), ...rate.prices.map((price, column) => {
    const cell = field(price, 4, `${rate.name} · ${tier(column)}`);
    Object.assign(cell.dataset, { rate: row, tier: column });
    return element("td", "", cell);
  }))));
  form.elements.building_id.value = plan.building_id ?? "";
  form.elements.quota_kwh.value = plan.quota ? written(plan.quota.wh, 3).replace(/\.?0+$/, "") : "";
  form.querySelector("[data-kept]").textContent = plan.workday_periods.length > 1 || plan.quota ? text("metering.kept_from_base") : "";
}

/** The plan as it is sent. */
function body() {
  const { added_at, withdrawn_at, id, ...plan } = structuredClone(base());
  for (const cell of form.querySelectorAll("[data-rate]")) plan.rates[cell.dataset.rate].prices[cell.dataset.tier] = scaled(cell.value, 4);
  for (const cell of form.querySelectorAll("[data-limit]")) plan.tier_limits_wh[cell.dataset.limit] = scaled(cell.value, 3);
  const wh = scaled(form.elements.quota_kwh.value || "0", 3);
  if (wh) plan.quota = { ...(plan.quota ?? {}), wh };
  else plan.quota = null;
  return {
    ...plan,
    building_id: form.elements.building_id.value || null,
    name: form.elements.name.value.trim(),
    starts_on: form.elements.starts_on.value,
  };
}

function show(isChecking) {
  edit.hidden = isChecking;
  check.hidden = back.hidden = finish.hidden = !isChecking;
  next.hidden = isChecking;
  problem.textContent = "";
}

function showCompared(rows) {
  form.querySelector("[data-compared]").replaceChildren(...rows.map(({ wh, old_fen: old, new_fen: now }) => element("tr", "",
    element("td", "", `${wh / 1000} kWh`),
    element("td", "number", old === null ? "–" : yuan(old)),
    element("td", "number", yuan(now)),
    element("td", "number", old === null ? "–" : `${now > old ? "+" : ""}${yuan(now - old)}`))));
}

dialog.addEventListener("opened", () => {
  draw();
  show(false);
});
form.elements.base.addEventListener("change", draw);
back.addEventListener("click", () => show(false));

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (!finish.hidden) return submit(form, body());
  next.disabled = true;
  try {
    showCompared(await post(`${form.dataset.address}/preview`, body(), newKey()));
    show(true);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    problem.textContent = error.message;
  } finally {
    next.disabled = false;
  }
});
