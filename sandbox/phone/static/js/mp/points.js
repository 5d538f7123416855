// Points: the balance and every entry with its reason (积分明细).
import { el, emptyNote } from "../dom.js";
import { formatTime } from "../clock.js";
import { action } from "../overlay.js";

const signed = (points) => (points > 0 ? `+${points}` : String(points));

function summary(points) {
  const fact = (name, value, testid) => el("div", { class: "sum" }, el("b", { testid }, String(value)), el("small", {}, name));
  return el("section", { class: "card" },
    el("div", { class: "sums" },
      fact("可用", points.available, "points-available"), fact("待入账", points.pending, "points-pending"), fact("冻结", points.held, "points-held"),
      points.debt ? fact("欠", points.debt, "points-debt") : null),
    points.soonest_expiry ? el("p", { class: "hint", testid: "soonest-expiry" }, `${points.soonest_expiry.points} 积分将于 ${formatTime(points.soonest_expiry.expires_at)} 到期`) : null);
}

function entryRow(entry) {
  return el("article", { class: "entry", testid: "entry" },
    el("span", { class: "cell-main" },
      el("span", { class: "cell-title", testid: "entry-reason" }, entry.reason),
      el("span", { class: "cell-note" }, formatTime(entry.occurred_at))),
    el("span", { class: "entry-figures" },
      el("b", { class: entry.points < 0 ? "" : "gain", testid: "entry-points" }, signed(entry.points)),
      el("small", {}, `余额 ${entry.balance_after}`)));
}

// Fills a list page by page through `next_cursor`.
export function pagedList({ first, load, row, empty, testid }) {
  const list = el("div", { class: "cells", testid });
  const more = el("button", { type: "button", class: "button more", testid: `${testid}-more` }, "加载更多");
  let cursor;
  const add = (page) => {
    list.append(...page.items.map(row));
    cursor = page.next_cursor;
    more.hidden = !cursor;
  };
  more.addEventListener("click", action(async () => add(await load(cursor))));
  add(first);
  if (!first.items.length) list.append(emptyNote(empty));
  return [list, more];
}

export async function pointsPage(mp) {
  const [points, first] = await Promise.all([mp.get("/points"), mp.get("/points/entries")]);
  const load = (cursor) => mp.get(`/points/entries?${new URLSearchParams({ cursor })}`);
  return [summary(points), ...pagedList({ first, load, row: entryRow, empty: "还没有积分变动", testid: "entries" })];
}
