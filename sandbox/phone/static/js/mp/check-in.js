// The check-in calendar (每日签到) and its button.
import { el } from "../dom.js";
import { action, toast } from "../overlay.js";
import { subscribeCell } from "./subscribe.js";

const WEEKDAYS = ["日", "一", "二", "三", "四", "五", "六"];
const PREVIEW_DAYS = 7;

// Dates are business dates without a time zone: reckon them in UTC throughout.
const weekdayOf = (on) => new Date(`${on}T00:00:00Z`).getUTCDay();
const daysIn = (month) => {
  const [year, number] = month.split("-").map(Number);
  return new Date(Date.UTC(year, number, 0)).getUTCDate();
};

function dayCell(on, calendar, done) {
  const earned = done.get(on);
  const cls = ["day", earned !== undefined && "day-done", on === calendar.today && "day-today"].filter(Boolean).join(" ");
  return el("span", { class: cls, testid: `day-${on}`, "data-done": earned !== undefined ? "true" : "false" },
    el("b", {}, String(Number(on.slice(-2)))), earned === undefined ? null : el("small", {}, `+${earned}`));
}

function monthGrid(calendar) {
  const done = new Map(calendar.days.map((day) => [day.on, day.points]));
  const first = `${calendar.month}-01`;
  const blanks = Array.from({ length: weekdayOf(first) }, () => el("span", { class: "day" }));
  const days = Array.from({ length: daysIn(calendar.month) }, (_, at) => `${calendar.month}-${String(at + 1).padStart(2, "0")}`);
  return el("div", { class: "calendar", testid: "calendar" },
    ...WEEKDAYS.map((name) => el("span", { class: "weekday" }, name)), ...blanks, ...days.map((on) => dayCell(on, calendar, done)));
}

function previewRow(preview) {
  return el("ol", { class: "preview", testid: "check-in-preview" }, ...preview.slice(0, PREVIEW_DAYS).map((day) =>
    el("li", { class: day.bonus_points ? "preview-day preview-bonus" : "preview-day" },
      el("b", {}, `+${day.points}`), day.bonus_points ? el("i", {}, `含奖励 ${day.bonus_points}`) : null, el("small", {}, `连签 ${day.streak} 天`))));
}

async function checkIn(mp) {
  try {
    const result = await mp.post("/check-ins");
    toast(result.reason);
  } catch (error) {
    if (error.code !== "already_checked_in") throw error;
    toast(error.message);
  }
  await mp.redraw();
}

export async function checkInPage(mp) {
  const calendar = await mp.get("/check-ins");
  const done = calendar.checked_in_today;
  return [
    el("section", { class: "card check-in" },
      el("p", { class: "streak" }, "已连续签到 ", el("strong", { testid: "streak" }, String(calendar.streak)), " 天"),
      el("button", {
        type: "button", id: "mp-check-in", testid: "mp-check-in", class: done ? "button" : "button primary", disabled: done, on: { click: action(() => checkIn(mp)) },
      }, done ? "今天已签到" : "签到")),
    el("section", { class: "card" }, el("h2", { class: "form-title" }, `${Number(calendar.month.slice(5))} 月`), monthGrid(calendar)),
    calendar.preview.length ? el("section", { class: "card" }, el("h2", { class: "form-title" }, "接下来签到能得"), previewRow(calendar.preview)) : null,
    el("div", { class: "cells" }, subscribeCell(mp)),
  ];
}
