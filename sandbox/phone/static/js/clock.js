// The strip that shows the sandbox's time and moves it.
import { el } from "./dom.js";
import { get, post } from "./control.js";
import { action, showError, toast } from "./overlay.js";

const HOUR = 3600;
const STEPS = [["1 小时", HOUR, "clock-hour"], ["1 天", 24 * HOUR, "clock-day"], ["7 天", 7 * 24 * HOUR, "clock-week"]];
const TICK_MS = 1000;
const RESYNC_TICKS = 15;
const SHANGHAI = new Intl.DateTimeFormat("zh-CN", {
  timeZone: "Asia/Shanghai", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hourCycle: "h23",
});

let offsetSeconds = 0;

export const now = () => new Date(Date.now() + offsetSeconds * 1000);

export function formatTime(instant) {
  return SHANGHAI.format(typeof instant === "number" ? new Date(instant * 1000) : new Date(instant)).replaceAll("/", "-");
}

function describeOffset() {
  if (!offsetSeconds) return "与真实时间相同";
  const sign = offsetSeconds > 0 ? "快" : "慢";
  const total = Math.abs(offsetSeconds);
  const days = Math.floor(total / (24 * HOUR));
  const hours = Math.floor((total % (24 * HOUR)) / HOUR);
  const minutes = Math.floor((total % HOUR) / 60);
  const parts = [days && `${days} 天`, hours && `${hours} 小时`, !days && !hours && `${minutes} 分`].filter(Boolean);
  return `比真实时间${sign} ${parts.join(" ")}`;
}

function show() {
  document.getElementById("clock-now").textContent = formatTime(now().getTime() / 1000);
  document.getElementById("clock-offset").textContent = describeOffset();
  document.getElementById("status-time").textContent = formatTime(now().getTime() / 1000).slice(-5);
}

async function set(change) {
  offsetSeconds = (await post("/_sim/clock", change)).offset_seconds;
  show();
  window.dispatchEvent(new Event("clock-moved"));
}

export async function startClock() {
  const strip = document.getElementById("clock");
  strip.append(
    el("p", { class: "clock-text" },
      el("span", { class: "clock-label" }, "沙箱时间"),
      el("strong", { id: "clock-now", testid: "clock-now" }),
      el("span", { id: "clock-offset", class: "clock-offset", testid: "clock-offset" })),
    el("p", { class: "clock-buttons" },
      ...STEPS.map(([name, seconds, id]) => el("button", {
        type: "button", id, testid: id,
        on: { click: action(async () => { await set({ advance_seconds: seconds }); toast(`已快进 ${name}`); }) },
      }, `快进 ${name}`)),
      el("button", {
        type: "button", id: "clock-now-button", testid: "clock-reset",
        on: { click: action(async () => { await set({ offset_seconds: 0 }); toast("已回到现在"); }) },
      }, "回到现在")));
  const read = async () => { offsetSeconds = (await get("/_sim/clock")).offset_seconds; };
  await read();
  show();
  let ticks = 0;
  setInterval(() => {
    show();
    ticks += 1;
    if (ticks % RESYNC_TICKS === 0) read().catch(showError); // other processes may move it too
  }, TICK_MS);
}
