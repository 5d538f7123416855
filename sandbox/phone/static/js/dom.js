// Builds page elements. Text always goes in as text nodes, so nothing that a
// backend sends can become markup.

export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "on") {
      for (const [event, handler] of Object.entries(value)) node.addEventListener(event, handler);
    } else if (name === "testid") {
      node.dataset.testid = value;
    } else if (name === "value" || name === "checked") {
      node[name] = value;
    } else {
      node.setAttribute(name, value === true ? "" : value);
    }
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

const SVG = "http://www.w3.org/2000/svg";

export function icon(name, cls = "icon") {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", cls);
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `/phone/static/icons.svg#${name}`);
  svg.append(use);
  return svg;
}

const AVATAR_COLOURS = ["#3d7bd9", "#d9822b", "#8e5bd0", "#2a9d8f", "#c8553d", "#5b7083"];

export function avatar(name, cls = "avatar") {
  const text = (name || "微").trim();
  const total = [...text].reduce((sum, char) => sum + char.codePointAt(0), 0);
  const node = el("span", { class: cls, "aria-hidden": "true" }, [...text][0]);
  node.style.backgroundColor = AVATAR_COLOURS[total % AVATAR_COLOURS.length];
  return node;
}

// A page title bar; `back` is a hash or a function.
export function navBar({ title, back, right }) {
  const goBack = typeof back === "function" ? back : () => { location.hash = back; };
  return el("header", { class: "nav" },
    back ? el("button", { class: "nav-button", type: "button", testid: "back", "aria-label": "返回", on: { click: goBack } }, icon("back"))
      : el("span", { class: "nav-button" }),
    el("h1", { class: "nav-title", testid: "screen-title" }, title),
    right || el("span", { class: "nav-button" }));
}

export function emptyNote(text) {
  return el("p", { class: "empty", testid: "empty" }, text);
}

// One row of a WeChat list; a button, so that it is reachable by keyboard.
export function cell({ testid, lead, title, note, value, arrow = true, onClick, id }) {
  return el("button", { class: "cell", type: "button", testid, id, on: { click: onClick } },
    lead,
    el("span", { class: "cell-main" }, el("span", { class: "cell-title" }, title), note ? el("span", { class: "cell-note" }, note) : null),
    value ? el("span", { class: "cell-value" }, value) : null,
    arrow ? icon("arrow", "icon cell-arrow") : null);
}
