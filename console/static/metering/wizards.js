// The wizards of a room: a meter in a meter's place, and people who move. The last page shows what the server says
// would follow, and only from there it is done.

import { fieldsOf, submit } from "./forms.js";
import { kwh } from "./charts.js";
import { byId, element, filled, newKey, post, Refused, text } from "../page.js";

const yuan = (fen) => `${fen < 0 ? "-" : ""}¥${Math.floor(Math.abs(fen) / 100)}.${String(Math.abs(fen) % 100).padStart(2, "0")}`;
const named = (room) => (room ? room.join(" ") : "–");

/** Steps through the fieldsets of a dialog's form; `foresee` fills the last one, and says what is to be sent. */
function wizard(dialog, { begin = () => {}, body, foresee }) {
  const form = dialog.querySelector("form");
  const steps = [...form.querySelectorAll("[data-step]")];
  const [back, next, finish] = ["back", "next", "finish"].map((one) => form.querySelector(`[data-${one}]`));
  const problem = form.querySelector(".problem");
  let place = 0;

  function go(to) {
    place = to;
    steps.forEach((step, index) => {
      step.hidden = index !== place;
      // What is not shown is not asked for.
      step.disabled = index > place;
    });
    form.querySelectorAll(".steps li").forEach((one, index) => one.classList.toggle("current", index === place));
    back.hidden = place === 0;
    next.hidden = place === steps.length - 1;
    finish.hidden = !next.hidden;
    problem.textContent = "";
    steps[place].querySelector("input:not([type=hidden]), select")?.focus();
  }

  dialog.addEventListener("opened", ({ detail }) => {
    begin(form, detail);
    go(0);
  });
  back.addEventListener("click", () => go(place - 1));

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (place === steps.length - 1) return submit(form, body(form));
    if (place < steps.length - 2) return go(place + 1);
    next.disabled = true;
    try {
      const found = await post(`${form.dataset.address}/preview`, body(form), newKey());
      go(place + 1);
      foresee(form, found);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      problem.textContent = error.message;
    } finally {
      next.disabled = false;
    }
  });
}

function summarise(form, rows) {
  form.querySelector(".summary").replaceChildren(...rows.filter(Boolean).map(([name, value]) =>
    element("div", "", element("dt", "", name), element("dd", "", value))));
}

function warn(form, warnings) {
  const notice = form.querySelector(".notice");
  notice.hidden = warnings.length === 0;
  notice.textContent = warnings.join(" ");
}

const replace = byId("replace");
const store = replace.querySelector("[name=new_meter_id]");
const unlisted = replace.querySelector("[data-unless]");

function askForPlate() {
  unlisted.hidden = store.value !== "";
  for (const field of unlisted.querySelectorAll("input")) field.disabled = unlisted.hidden;
}
store.addEventListener("change", askForPlate);

wizard(replace, {
  begin: askForPlate,
  body: (form) => fieldsOf(form),
  foresee(form, found) {
    summarise(form, [
      [text("metering.instant"), found.at],
      [filled("metering.final_of", { serial: found.old }), `${found.final} kWh`],
      [filled("metering.first_of", { serial: found.new }), `${found.first} kWh`],
      found.before && [text("metering.last_known"), `${found.before.shown} kWh · ${found.before.at}`],
      found.wh !== null && [text("metering.used_since"), kwh(found.wh)],
    ]);
    warn(form, [
      found.wh === null && text("metering.goes_backwards"),
      found.wh !== null && !found.is_plausible && text("metering.not_plausible"),
      found.has_wrapped && text("metering.has_wrapped"),
      found.is_to_come && text("metering.is_to_come"),
    ].filter(Boolean));
    form.querySelector("[data-finish]").disabled = found.wh === null || found.is_to_come;
  },
});

const move = byId("move");
let moving = {};

wizard(move, {
  begin(form, detail) {
    moving = detail;
    const isOut = Boolean(detail.person);
    byId("move-title").textContent = isOut ? `${text("metering.move_out")} · ${detail.name}` : text("metering.move_in");
    const number = form.querySelector("[data-number]");
    number.hidden = isOut;
    number.querySelector("input").disabled = isOut;
    form.querySelector("[data-day]").textContent = text(isOut ? "metering.first_day_away" : "metering.first_day");
  },
  body: (form) => ({
    ...fieldsOf(form),
    ...(moving.person ? { person_id: moving.person } : { room_id: moving.room }),
  }),
  foresee(form, found) {
    const { owed } = found;
    summarise(form, [
      [text("person"), `${found.name} · ${found.number}`],
      [text("metering.from"), named(found.from)],
      !moving.person && [text("metering.to"), named(found.to)],
      [text(moving.person ? "metering.first_day_away" : "metering.first_day"), found.day],
      owed && [text("metering.balance_then"), yuan(owed.balance_fen)],
      owed && [filled("metering.share_of", { count: owed.sharers }), yuan(owed.share_fen)],
      owed && [text("metering.paid_since"), yuan(owed.paid_fen)],
      owed && [text("metering.due"), yuan(owed.due_fen)],
    ]);
    const due = owed?.due_fen ?? 0;
    const reason = form.querySelector("[data-debt]");
    if (reason) reason.hidden = due === 0;
    warn(form, [due > 0 && text("metering.debt_first"), found.is_there_already && text("metering.there_already")].filter(Boolean));
    form.querySelector("[data-finish]").disabled = (due > 0 && !reason) || found.is_there_already;
  },
});
