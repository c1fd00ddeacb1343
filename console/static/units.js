// Figures with their units, always together: a kilowatt-hour is never shown as a yuan, nor a yuan as a kilowatt-hour.

import { element, filled } from "./page.js";

const language = document.documentElement.lang;
const fixed = (digits) => new Intl.NumberFormat(language, { minimumFractionDigits: digits, maximumFractionDigits: digits });
const [whole, one, two, four] = [fixed(0), fixed(1), fixed(2), fixed(4)];

/** Money: `¥12.34`. */
export const yuan = (fen) => `${fen < 0 ? "−" : ""}¥${two.format(Math.abs(fen) / 100)}`;

/** Energy: `12.35 kWh`. */
export const kwh = (wh) => `${two.format(wh / 1000)} kWh`;

/** Energy of a rule, as it is written there: `4,800 kWh`. */
export const ruledKwh = (wh) => (wh % 1000 ? kwh(wh) : `${whole.format(wh / 1000)} kWh`);

/** Water: `40.5 L`. */
export const litres = (ml) => `${one.format(ml / 1000)} L`;

/** Ten-thousandths of a yuan for a kilowatt-hour: `¥0.5283/kWh`. */
export const pricePerKwh = (price) => `¥${four.format(price / 10_000)}/kWh`;

/** Fen for a cubic metre, as the price of a litre: `¥0.0250/L`. */
export const pricePerLitre = (fen) => `¥${four.format(fen / 100_000)}/L`;

/** Fen for an hour: `¥6.00/h`. */
export const pricePerHour = (fen) => `¥${two.format(fen / 100)}/h`;

/** What a meter's display shows: its digits with the point where the display has it. */
export const display = (digits, decimals) => `${(digits / 10 ** decimals).toFixed(decimals)} kWh`;

/** A time that something took: `6 min 05 s`. */
export function lasted(seconds) {
  const rest = whole.format(seconds % 60).padStart(2, "0");
  return filled("usage.minutes_seconds", { minutes: whole.format(Math.floor(seconds / 60)), seconds: rest });
}

const days = new Intl.DateTimeFormat(language, { timeZone: "UTC", dateStyle: "medium" });

/** A day of the campus's calendar (`2026-11-27`), wherever the reader is. */
export function calendarDay(day) {
  const made = element("time", "", days.format(new Date(`${day}T00:00:00Z`)));
  made.dateTime = day;
  return made;
}

/** Yuan as a person types them, in whole fen; null where that is no amount. No arithmetic with fractions. */
export function toFen(typed) {
  const found = /^(\d{1,6})(?:[.。](\d{1,2}))?$/u.exec(typed.trim().replace(/^[¥￥]/u, ""));
  return found ? Number(found[1]) * 100 + Number((found[2] ?? "").padEnd(2, "0")) : null;
}
