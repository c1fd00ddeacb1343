// Everything known of the open photo beside its picture: who, whom it is like, and every rule.

import { byId, clock, element, getBlob, labelled, setup, text } from "../page.js";
import { draw, reduced } from "../picture.js";
import { point } from "./drawing.js";
import { advice, measured, outcome, ruleTitle, sorted } from "../rules.js";

/** How long a picture beside another one is drawn. */
const BESIDE_PX = 240;

let shown = null;

/** Shows `photo`; its likenesses' pictures are fetched once. */
export function showPanel(photo) {
  byId("who").textContent = photo.person.name;
  const more = [photo.person.number, photo.person.department].filter(Boolean).join(" · ");
  byId("who-more").replaceChildren(more, " · ", text("review.uploaded"), " ", clock(photo.uploaded_at));
  const blocked = byId("blocked");
  const words = photo.is_own
    ? text("review.own")
    : photo.is_taken ? `${text("review.taken")}${text("punctuation.space")}${photo.claimed_by}` : photo.is_waiting ? "" : text("review.gone");
  blocked.hidden = !words;
  blocked.textContent = words;
  for (const id of ["approve", "reject", "write"]) byId(id).disabled = !photo.is_mine;
  byId("warning").hidden = true;
  byId("approve").firstElementChild.textContent = text("review.approve");
  if (shown === photo.id) return;
  shown = photo.id;
  showIdentity(photo);
  byId("rules").replaceChildren(...ruleRows(photo.rules));
  byId("particulars").scrollTop = 0;
}

function ruleRows(rules) {
  const broken = sorted(rules).filter((rule) => !rule.passed);
  const kept = rules.filter((rule) => rule.passed);
  const parts = [element("ul", "results", ...broken.map(row))];
  if (kept.length) {
    const summary = element("summary", "", `${text("review.rules_kept")} · ${kept.length}`);
    const folded = element("details", "", summary, element("ul", "results", ...kept.map(row)));
    folded.open = broken.length === 0;
    parts.push(folded);
  }
  return parts;
}

function row(rule) {
  const kind = outcome(rule);
  const made = element("li", `result ${kind}`);
  made.tabIndex = 0;
  made.dataset.rule = rule.rule;
  made.append(
    element("span", "mark", text(`checks.${kind}`)),
    element("strong", "", ruleTitle(rule.rule)),
    element("span", "measured", measured(rule)),
  );
  if (rule.score !== null && rule.score !== undefined) {
    const score = element("span", "score", String(rule.score));
    score.title = text("checks.score");
    made.append(score);
  }
  if (rule.advice) made.append(element("span", "advice", advice(rule.advice)));
  for (const [on, name] of [["pointerenter", rule.rule], ["focus", rule.rule], ["pointerleave", null], ["blur", null]]) {
    made.addEventListener(on, () => point(name));
  }
  return made;
}

function showIdentity(photo) {
  const found = photo.identity;
  const parts = [element("h3", "", text("review.identity"))];
  if (found) {
    parts.push(...own(photo, found));
    if (found.duplicates.length) {
      parts.push(element("p", "notice", text("review.duplicates")));
      parts.push(element("ul", "likenesses", ...found.duplicates.map((one) => likeness(photo, one, one.threshold ?? found.duplicate_threshold))));
    } else parts.push(element("p", "hint", text("review.duplicates_none")));
  }
  byId("identity").replaceChildren(...parts);
}

/** Whether it is the person themselves: by their photo before, and by the identity or admission photo. */
function own(photo, found) {
  const compared = [
    ["own_similarity", found.own_similarity, found.own_threshold],
    ["reference_similarity", found.reference_similarity, found.reference_threshold ?? found.own_threshold],
  ].filter(([, similarity]) => similarity !== null && similarity !== undefined);
  if (!compared.length) return [element("p", "hint", text("review.own_none"))];
  const parts = compared.map(([name, similarity, threshold]) => {
    const isSame = similarity >= threshold;
    const verdict = element("strong", isSame ? "good" : "bad", text(isSame ? "review.own_same" : "review.own_differs"));
    return element("div", "likeness-own", element("p", "", labelled(text(`review.${name}`), ""), verdict), scale(similarity, threshold));
  });
  const isSecond = photo.slot === "second";
  if (isSecond) parts.unshift(element("p", "notice", text("review.is_second")));
  if (found.own_picture) parts.push(beside(photo, text(isSecond ? "review.first" : "review.before"), "before"));
  return parts;
}

function likeness(photo, one, threshold) {
  const { name = "?", number = "", department = "" } = one.person ?? {};
  const who = [number, department].filter(Boolean).join(" · ");
  const pictures = beside(photo, name, one.picture && `duplicates/${one.person_id}`);
  return element("li", "", element("p", "", element("strong", "", name), ` ${who}`), pictures, scale(one.similarity, threshold));
}

/** This photo and another, side by side; `place` is the other's address below this photo's, or nothing. */
function beside(photo, title, place) {
  const pair = [[text("review.this_photo"), "picture"], [title, place && `${place}/picture`]].map(([caption, address]) => {
    const canvas = element("canvas");
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", caption);
    const figure = element("figure", "", canvas, element("figcaption", "", caption));
    showBeside(canvas, address && `${setup.reviews}/${photo.id}/${address}`);
    return figure;
  });
  return element("div", "beside", ...pair);
}

async function showBeside(canvas, address) {
  const blob = address ? await getBlob(reduced(address, BESIDE_PX)).catch(() => null) : null;
  if (!blob || !(await draw(canvas, blob))) canvas.replaceWith(element("span", "empty", text("review.no_picture")));
}

/** Similarity as a bar, with the threshold marked on it. */
function scale(similarity, threshold) {
  const percent = (value) => `${Math.round(Math.max(0, Math.min(1, value)) * 100)}%`;
  const filling = element("span", "filling");
  filling.style.width = percent(similarity);
  const mark = element("span", "limit");
  mark.style.left = percent(threshold);
  const words = `${text("review.similarity")} ${similarity.toFixed(2)} · ${text("review.threshold")} ${threshold.toFixed(2)}`;
  const bar = element("span", "bar", filling, mark);
  bar.setAttribute("aria-hidden", "true");
  return element("p", "scale", bar, element("span", "hint", words));
}
