// Cards that users of this browser forwarded to each other. WeChat tells
// nobody that a card was shared, so neither does this: the list stays here.
import { el, emptyNote, icon, navBar } from "../dom.js";
import { formatTime, now } from "../clock.js";
import { state } from "../phone-state.js";
import { openPage, openWeb } from "./message-card.js";

const KEY = "sim.shares";
const KEPT = 50;

function read() {
  try {
    return JSON.parse(localStorage.getItem(KEY)) || [];
  } catch {
    return [];
  }
}

export function rememberShare({ title, desc, link, page, appid, to }) {
  const share = { title, desc, link, page, appid, to, from: state.user.nickname, at: now().toISOString() };
  localStorage.setItem(KEY, JSON.stringify([share, ...read()].slice(0, KEPT)));
}

function shareRow(share) {
  const open = () => (share.page ? openPage(share.appid, share.page) : openWeb(share.link, "shares"));
  return el("article", { class: "message-card", testid: "share-card" },
    el("p", { class: "card-from" }, `${share.from} ${share.to === "timeline" ? "发到朋友圈" : "发给朋友"}`, el("time", {}, formatTime(share.at).slice(5))),
    el("h3", { class: "card-title" }, share.title || share.link || "分享"),
    share.desc ? el("p", { class: "card-text" }, share.desc) : null,
    el("button", { type: "button", class: "card-link", testid: "share-open", on: { click: open } }, `以“${state.user.nickname}”打开`, icon("arrow", "icon cell-arrow")));
}

export function sharesScreen(root) {
  const shares = read();
  root.append(navBar({ title: "好友分享", back: "#/" }),
    el("main", { class: "scroll stream", testid: "share-list" }, ...(shares.length ? shares.map(shareRow) : [emptyNote("还没有人分享过")])));
}
