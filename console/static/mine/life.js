// The life of a photo as a short line: handed in, checked, reviewed, at the gates.

import { clock, element, text } from "../page.js";

/** Shows where `photo` stands in `target`, an ordered list. */
export function showLife(target, photo) {
  target.replaceChildren(...steps(photo).map(({ name, how, words, at }) => {
    const made = element(
      "li", how,
      element("strong", "", text(`life.${name}`)),
      element("span", "", words, words && at ? " · " : null, at ? clock(at) : null),
    );
    if (how === "now") made.setAttribute("aria-current", "step");
    return made;
  }));
}

function steps(photo) {
  const { state, verdict, reviewed } = photo;
  const check = { accept: "passed", review: "hints", reject: "failed" }[verdict];
  return [
    { name: "uploaded", how: "done", words: "", at: photo.uploaded_at },
    { name: "checked", how: verdict === "reject" ? "failed" : "done", words: check ? text(`life.${check}`) : "" },
    { name: "review", ...review(state, reviewed), at: reviewed || state === "approved" ? photo.decided_at : null },
    state === "approved"
      ? { name: "gates", how: "done", words: text("life.working") }
      : { name: "gates", how: "later", words: text("life.not_yet") },
  ];
}

function review(state, reviewed) {
  if (state === "approved") return { how: "done", words: text("life.approved") };
  if (state === "in_review") return { how: "now", words: text("life.waiting") };
  if (state === "rejected" && reviewed) return { how: "failed", words: text("life.rejected") };
  return { how: "later", words: text("life.not_yet") };
}
