// A plan with the gates on it, live: each mark says by shape, colour and words how its gate stands.

import { showAlarms } from "./alarms.js";
import { withSilent } from "./gates.js";
import { followGates } from "../live.js";
import { showWaiting } from "./orders.js";
import { byId, gateTitle, labelled, say, text } from "../page.js";
import { standing } from "./states.js";

const SHAPES = { quiet: "●", moving: "◆", trouble: "▲", critical: "■", absent: "✕" };
const marks = new Map([...document.querySelectorAll("#marks .place")].map((mark) => [mark.dataset.gate, mark]));
let views = [];
let alarms = [];

function draw() {
  const all = withSilent(views);
  let troubled = 0;
  for (const view of all) {
    const { shape, words, isTrouble } = standing(view, alarms);
    if (isTrouble) troubled += 1;
    const mark = marks.get(view.gate);
    if (!mark) continue;
    mark.setAttribute("class", `place is-${shape}`);
    const said = labelled(gateTitle(view.gate), words);
    if (mark.getAttribute("aria-label") !== said) mark.setAttribute("aria-label", said);
    say(mark.querySelector("title"), said);
    say(mark.querySelector(".shape"), SHAPES[shape]);
  }
  say(byId("gates-summary"), `${labelled(text("gates"), all.length)} · ${labelled(text("need_a_look"), troubled)}`);
}

followGates({
  gates(found) {
    views = found;
    draw();
  },
  alarms(open) {
    alarms = open;
    showAlarms(open);
    draw();
  },
  orders: showWaiting,
});
