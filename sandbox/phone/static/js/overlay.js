// Toasts, dialogs and bottom sheets inside the phone frame. Only one dialog or
// sheet stands at a time; it answers a promise and then leaves.
import { el } from "./dom.js";
import { SandboxError } from "./control.js";

const layer = () => document.getElementById("overlay");
let toastTimer;

export function toast(text, { bad = false } = {}) {
  const node = document.getElementById("toast");
  node.textContent = text;
  node.classList.toggle("toast-bad", bad);
  node.hidden = false;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => { node.hidden = true; }, bad ? 6000 : 2500);
}

export function showError(error) {
  const known = error instanceof SandboxError || error.isForPeople;
  if (!known) console.error(error);
  toast(known ? error.message : "手机页面出错了，请刷新后再试", { bad: true });
}

// Wraps a click handler: no second tap while it runs, failures become toasts.
export function action(work) {
  return async (event) => {
    event.preventDefault();
    const target = event.currentTarget;
    if (target.getAttribute("aria-busy") === "true") return;
    target.setAttribute("aria-busy", "true");
    try {
      await work(event);
    } catch (error) {
      showError(error);
    } finally {
      target.removeAttribute("aria-busy");
    }
  };
}

// Shows what `build(close)` makes; resolves with what `close` is given, or
// with `dismissed` when the person taps outside, presses Escape, or leaves.
export function present({ testid, label, build, dismissed = null, kind = "sheet" }) {
  closeAll();
  return new Promise((resolve) => {
    const finish = (value) => {
      window.removeEventListener("keydown", onKey);
      layer().replaceChildren();
      layer().hidden = true;
      layer().dismiss = undefined;
      resolve(value);
    };
    const onKey = (event) => { if (event.key === "Escape") finish(dismissed); };
    const panel = el("div", { class: kind, role: "dialog", "aria-modal": "true", "aria-label": label, testid }, build(finish));
    const shade = el("div", { class: "shade", on: { click: () => finish(dismissed) } });
    document.getElementById("toast").hidden = true;
    layer().replaceChildren(shade, panel);
    layer().hidden = false;
    layer().dismiss = () => finish(dismissed);
    window.addEventListener("keydown", onKey);
    panel.querySelector("button, input")?.focus({ preventScroll: true });
  });
}

export function closeAll() {
  layer().dismiss?.();
}

export function confirmBox({ title, text, ok = "确定", cancel = "取消", testid = "confirm" }) {
  return present({
    testid, label: title, dismissed: false, kind: "dialog",
    build: (close) => [
      el("h2", { class: "dialog-title" }, title),
      el("p", { class: "dialog-text" }, text),
      el("div", { class: "dialog-buttons" },
        el("button", { type: "button", testid: `${testid}-cancel`, on: { click: () => close(false) } }, cancel),
        el("button", { type: "button", class: "primary-text", testid: `${testid}-ok`, on: { click: () => close(true) } }, ok)),
    ],
  });
}

// A list of choices rising from the bottom, as WeChat's "…" menus do.
export function choose({ title, choices, testid = "choices" }) {
  return present({
    testid, label: title,
    build: (close) => [
      title ? el("p", { class: "sheet-note" }, title) : null,
      ...choices.map((choice) => el("button", {
        type: "button", class: "sheet-choice", testid: choice.testid, on: { click: () => close(choice.value) },
      }, choice.text)),
      el("button", { type: "button", class: "sheet-choice sheet-cancel", testid: "choices-cancel", on: { click: () => close(null) } }, "取消"),
    ],
  });
}
