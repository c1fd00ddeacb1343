// The checklist of a photo: what is to be mended first, hints next, what is kept folded away.

import { element, filled, text } from "../page.js";
import { advice, measured, outcome, pictogram, ruleTitle } from "../rules.js";

/** Shows the rules of a photo in `target`. */
export function showChecklist(target, rules) {
  const of = (kind) => rules.filter((rule) => outcome(rule) === kind);
  const [failed, hints, passed] = ["failed", "hint", "passed"].map(of);
  const parts = [];
  if (failed.length) parts.push(element("h3", "", text("checks.mend")), list(failed));
  if (hints.length) parts.push(element("h3", "", text("checks.hints")), element("p", "hint", text("checks.hints_lead")), list(hints));
  if (passed.length) {
    const kept = element("details", "kept", element("summary", "", filled("checks.fine", { count: passed.length })), list(passed));
    kept.open = !failed.length && !hints.length;
    parts.push(kept);
  }
  target.replaceChildren(...parts);
}

function list(rules) {
  return element("ul", "rules", ...rules.map(item));
}

function item(rule) {
  const kind = outcome(rule);
  const made = element("li", `rule ${kind}`);
  made.dataset.rule = rule.rule;
  const title = element("strong", "", ruleTitle(rule.rule));
  const mark = element("span", "mark", text(`checks.${kind}`));
  const words = element("div", "", element("p", "rule-title", title, mark));
  if (rule.advice) words.append(element("p", "advice", advice(rule.advice)));
  words.append(element("p", "small", measured(rule)));
  made.append(...(kind === "passed" ? [] : [pictogram(rule.rule)]), words);
  return made;
}
