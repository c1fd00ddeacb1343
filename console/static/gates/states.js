// How a gate stands, in one word and one of a few shapes: what a wall and a plan show of it.

import { alarmsAt, needsALook, troublesOf } from "./gates.js";
import { coded, filled, labelled, text } from "../page.js";

const MOVING = new Set(["granted", "open", "held_open"]);
const GRAVE = new Set(["forced", "fire_open", "lockdown"]);
/** The worst first. */
const RANKS = ["critical", "absent", "trouble", "moving", "quiet"];

/** `{ shape, words, rank, isTrouble }` of a gate with these open alarms; rank 0 is the worst. */
export function standing(view, alarms) {
  const open = alarmsAt(view.gate, alarms);
  const isTrouble = needsALook(view, open);
  const shape = shapeOf(view, open, isTrouble);
  const said = saidOf(view, open);
  const more = said.length > 1 ? ` ${filled("alarm.and_more", { number: said.length - 1 })}` : "";
  return { shape, isTrouble, rank: RANKS.indexOf(shape), words: `${said[0] ?? coded("door", view.door?.state ?? "unknown")}${more}` };
}

function shapeOf(view, open, isTrouble) {
  const isGrave = GRAVE.has(view.door?.state) && view.controller === "online";
  if (isGrave || open.some((alarm) => alarm.severity === "critical" && !alarm.acknowledged_by)) return "critical";
  if (view.controller !== "online") return "absent";
  if (isTrouble && !MOVING.has(view.door?.state)) return "trouble";
  return MOVING.has(view.door?.state) && !isTrouble ? "moving" : isTrouble ? "trouble" : "quiet";
}

/** What is wrong, the worst first. */
function saidOf(view, open) {
  const said = open.map((alarm) => coded("alarm", alarm.kind));
  for (const [name, words] of [["controller", "controller"], ["edge", "camera_node"]]) {
    const isWell = view[name] === "online" || (name === "edge" && view.edge !== "offline");
    if (!isWell && !open.some((alarm) => alarm.kind === `${name}_offline`)) said.push(labelled(text(words), coded("presence", view[name])));
  }
  if (view.door && view.controller === "online" && !["locked", "granted", "open"].includes(view.door.state)) said.push(coded("door", view.door.state));
  return [...new Set([...said, ...troublesOf(view)])];
}
