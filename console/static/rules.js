// The words of the rules: what each is called, what was measured, what can be done.

import { setup, text } from "./page.js";

const language = document.documentElement.lang === "zh" ? "zh" : "en";

export const ruleTitle = (name) => text(`rule.${name}`);

/** What is wrong with a photo that breaks a rule: what the rule asks for is no name for that. */
export const fault = ({ rule, details }) => text(rule === "one_face" && details?.faces === 0 ? "fault.no_face" : `fault.${rule}`);

/** The advice of a rule, or of a reason, in the reader's language. */
export const advice = (one) => one?.[language] ?? "";

/** What a rule measured, as a sentence; figures that a rule does not have leave the plain form. */
export function measured(rule) {
  const values = { ...rule.details, value: rule.value, limit: rule.limit };
  const template = text(`measure.${rule.rule}`);
  const needed = [...template.matchAll(/\{(\w+)%?\}/g)].map((found) => found[1]);
  const known = needed.length && needed.every((name) => name in values);
  const chosen = known || template === text("measure.readable") ? template : text("measure.other");
  return chosen.replace(/\{(\w+)(%?)\}(°?)/g, (_, name, percent, degrees) => {
    if (percent) return `${Math.round(values[name] * 100)}%`;
    return degrees ? `${Math.round(values[name])}°` : short(values[name]);
  });
}

/** How a rule came out: kept, broken, or only a hint for the reviewer. */
export const outcome = (rule) => (rule.passed ? "passed" : rule.level === "required" ? "failed" : "hint");

/** The rules of a photo: broken ones first, then hints, then the rest, each in their own order. */
export function sorted(rules) {
  const rank = { failed: 0, hint: 1, passed: 2 };
  return [...rules].sort((one, other) => rank[outcome(one)] - rank[outcome(other)]);
}

/** The pictogram of a rule; it goes away where there is none. */
export function pictogram(name) {
  const image = document.createElement("img");
  image.alt = "";
  image.width = 56;
  image.height = 70;
  image.className = "pictogram";
  image.addEventListener("error", () => image.remove());
  image.src = `${setup.rules}/${name}.svg`;
  return image;
}

const short = (value) => (Math.abs(value) >= 10 || Number.isInteger(value) ? Math.round(value) : Number(value.toPrecision(2)));
