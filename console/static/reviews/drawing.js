// What the rules measured, drawn on the picture in its own coordinates. Broken rules are dashed and labelled, not only red.

import { byId, filled, listed, text } from "../page.js";
import { fault, outcome } from "../rules.js";

const SVG = "http://www.w3.org/2000/svg";
const drawing = byId("drawing");

/** The parts of the picture that each rule speaks of. */
const PARTS = {
  one_face: ["others"], face_large_enough: ["eyes"], head_in_picture: ["face"], framing: ["face"],
  fills_picture: ["person"], frontal: ["axes"], straight: ["axes"], unobstructed: ["features"], eyes_open: ["lids"],
  colour: ["face"], exposure: ["face"], even_light: ["face"], sharp: ["face"], motion_blur: ["face"], noise: ["face"],
  compression: ["whole"], resolution: ["whole"], background: ["background"], beautified: ["face"],
};

export function setOverlay(isShown) {
  drawing.classList.toggle("off", !isShown);
}

/** Draws the measures of `photo`; nothing when its places were not kept. */
export function showDrawing(photo) {
  drawing.replaceChildren();
  const place = photo.geometry;
  if (!place) return;
  drawing.setAttribute("viewBox", `0 0 ${place.width} ${place.height}`);
  const unit = Math.max(place.width, place.height) / 100;
  drawing.style.setProperty("--unit", `${unit}px`);
  drawing.append(patterns(unit));
  const broken = brokenParts(photo.rules);
  const parts = shapes(place, photo, unit);
  for (const [name, made] of Object.entries(parts)) {
    const rules = broken.get(name);
    if (!made || (made.onlyBroken && !rules)) continue;
    const kind = rules ? outcome(rules[0]) : "plain";
    const group = svg("g", { class: `part ${name} ${kind}`, "data-part": name }, ...made.shapes);
    drawing.append(group);
    const words = rules ? listed(rules.map(fault)) : made.label;
    if (words && made.at) group.append(label(words, made.at, unit, place));
  }
}

/** Points to the parts that a rule speaks of, while somebody looks at it in the list. */
export function point(rule) {
  const parts = new Set(rule ? (PARTS[rule] ?? []) : []);
  for (const group of drawing.querySelectorAll(".part")) group.classList.toggle("pointed", parts.has(group.dataset.part));
}

function brokenParts(rules) {
  const found = new Map();
  const failed = rules.filter((rule) => !rule.passed).sort((one) => (one.level === "required" ? -1 : 1));
  for (const rule of failed) {
    for (const part of PARTS[rule.rule] ?? []) found.set(part, [...(found.get(part) ?? []), rule]);
  }
  return found;
}

function shapes(place, photo, unit) {
  const [first, ...others] = place.faces;
  const whole = svg("rect", { x: 0, y: 0, width: place.width, height: place.height });
  if (!first) return { whole: { shapes: [whole], at: [unit * 2, unit * 4], onlyBroken: true } };
  const [left, top, width, height] = first;
  const right = centre(place.right_eye);
  const leftEye = centre(place.left_eye);
  const apart = Math.hypot(leftEye[0] - right[0], leftEye[1] - right[1]);
  const frame = bounds(place.person.flat());
  const filling = photo.rules.find((rule) => rule.rule === "fills_picture");
  return {
    background: place.person.length && {
      shapes: [svg("path", { d: outside(place), "fill-rule": "evenodd" }), ...place.person.map(polygon)], at: [unit * 2, unit * 4], onlyBroken: true,
    },
    person: frame && {
      shapes: [box(frame, unit)],
      at: [frame[0] + unit * 1.5, frame[1] + frame[3] - unit * 2],
      label: filling ? filled("overlay.person", { value: `${Math.round(filling.value * 100)}%` }) : "",
    },
    boxes: { shapes: [box([left, top, width, height], unit)], at: [left, top - unit], label: text("overlay.face") },
    others: others.length && {
      shapes: others.map((one) => box(one, unit)), at: [others[0][0], others[0][1] - unit], label: text("overlay.second_face"),
    },
    face: { shapes: [polygon(place.face)], at: [left + width + unit, top + height / 2], onlyBroken: true },
    features: {
      shapes: [place.right_eye, place.left_eye, place.nose, place.mouth].map(polygon),
      at: [left + width + unit, centre(place.mouth)[1]], onlyBroken: true,
    },
    lids: {
      shapes: [polygon(place.right_eye), polygon(place.left_eye)], at: [left + width + unit, leftEye[1] + unit * 4], onlyBroken: true,
    },
    axes: {
      shapes: [line(right, leftEye), ...(place.chin ? [line(middle(right, leftEye), place.chin)] : [])],
      at: place.chin && [place.chin[0] + unit, place.chin[1] + unit * 3], onlyBroken: true,
    },
    eyes: {
      shapes: [line(right, leftEye), dot(right, unit), dot(leftEye, unit)],
      at: [left + width + unit, leftEye[1]], label: filled("overlay.eyes", { value: Math.round(apart) }),
    },
    whole: { shapes: [whole], at: [unit * 2, place.height - unit * 2], onlyBroken: true },
  };
}

function label(words, [x, y], unit, place) {
  const size = unit * 2.4;
  const made = svg("text", { "font-size": size }, document.createTextNode(words));
  // Kept inside the picture, as wide as it may come out.
  const isRight = x > place.width * 0.62;
  made.setAttribute("x", isRight ? place.width - unit : Math.max(unit, x));
  made.setAttribute("text-anchor", isRight ? "end" : "start");
  made.setAttribute("y", Math.min(place.height - unit, Math.max(size * 1.1, y)));
  return made;
}

function patterns(unit) {
  const stripes = svg("pattern", { id: "stripes", width: unit * 2, height: unit * 2, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
    svg("rect", { width: unit * 0.5, height: unit * 2, class: "stripe" }));
  return svg("defs", {}, stripes);
}

function outside(place) {
  const around = `M0 0H${place.width}V${place.height}H0Z`;
  return around + place.person.map((points) => `M${points.map((point) => point.join(" ")).join("L")}Z`).join("");
}

const box = ([x, y, width, height], unit) => svg("rect", { x, y, width, height, rx: unit });
const polygon = (points) => svg("polygon", { points: points.map((point) => point.join(",")).join(" ") });
const line = ([x1, y1], [x2, y2]) => svg("line", { x1, y1, x2, y2 });
const dot = ([cx, cy], unit) => svg("circle", { cx, cy, r: unit * 0.6 });
const middle = (one, other) => [(one[0] + other[0]) / 2, (one[1] + other[1]) / 2];
const centre = (points) => [0, 1].map((axis) => points.reduce((sum, point) => sum + point[axis], 0) / points.length);

function bounds(points) {
  if (!points.length) return null;
  const [xs, ys] = [0, 1].map((axis) => points.map((point) => point[axis]));
  const [left, top] = [Math.min(...xs), Math.min(...ys)];
  return [left, top, Math.max(...xs) - left, Math.max(...ys) - top];
}

function svg(name, attributes, ...content) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...content);
  return made;
}
