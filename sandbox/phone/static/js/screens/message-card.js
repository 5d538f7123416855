// How one message looks: a bubble for text, a card with labelled fields for
// template and subscription messages.
import { avatar, el, icon } from "../dom.js";
import { formatTime } from "../clock.js";
import { account, state } from "../phone-state.js";

export function preview(message) {
  if (message.title) return `[${message.title}]`;
  return (message.text || "").split("\n")[0];
}

export const openWeb = (url, from) => { location.hash = `#/web?${new URLSearchParams({ url, from })}`; };
export const openPage = (appid, page) => { location.hash = `#/mp/${appid}?${new URLSearchParams({ page: page || "" })}`; };

// Only these become tappable; anything else a backend sends stays text.
const WEB_ADDRESS = /^https?:\/\//i;
const TEXT_LINK = /<a\s[^>]*href="([^"]*)"[^>]*>(.*?)<\/a>|(https?:\/\/[^\s<>"，。）]+)/gi;

// WeChat turns <a href> and bare addresses in a text message into links.
function linked(text, from) {
  const parts = [];
  let end = 0;
  for (const found of text.matchAll(TEXT_LINK)) {
    const url = found[1] ?? found[3];
    if (!WEB_ADDRESS.test(url)) continue;
    parts.push(text.slice(end, found.index), el("a", {
      href: url, class: "text-link", testid: "message-link",
      on: { click: (event) => { event.preventDefault(); openWeb(url, from); } },
    }, found[2] || url));
    end = found.index + found[0].length;
  }
  parts.push(text.slice(end));
  return parts;
}

function bubble({ text, mine, name, from }) {
  return el("div", { class: mine ? "line line-mine" : "line" },
    avatar(name, "avatar avatar-small"), el("div", { class: "bubble", testid: mine ? "bubble-mine" : "bubble" }, linked(text, from)));
}

// A template message opens the mini program first, else the link; a
// subscription message opens its page.
function target(message, from) {
  if (message.page) {
    const appid = account(message.appid)?.kind === "mp" ? message.appid : account(message.appid)?.linked_mps?.[0];
    if (appid) return () => openPage(appid, message.page);
  }
  if (message.url && WEB_ADDRESS.test(message.url)) return () => openWeb(message.url, from);
  return null;
}

export function card(message, from) {
  const open = target(message, from);
  const fields = (message.fields || []).map((field) => el("div", { class: "field" },
    el("dt", {}, field.label || field.key), el("dd", { testid: `field-${field.key}` }, field.value)));
  return el("article", { class: "message-card", testid: "message-card", "data-message-id": message.id },
    el("p", { class: "card-from" }, account(message.appid)?.name || "", el("time", {}, formatTime(message.sent_at).slice(5))),
    el("h3", { class: "card-title", testid: "card-title" }, message.title || "消息"),
    el("dl", { class: "fields" }, ...fields),
    message.text && fields.length === 0 ? el("p", { class: "card-text" }, message.text) : null,
    open ? el("button", { type: "button", class: "card-link", testid: "card-link", on: { click: open } }, "查看详情", icon("arrow", "icon cell-arrow")) : null);
}

export function messageNode(message, from) {
  if (message.channel === "template" || message.channel === "subscribe") return card(message, from);
  const mine = message.channel === "sent";
  const name = mine ? state.user.nickname : account(message.appid)?.name || "公众号";
  return bubble({ text: message.text || message.title, mine, name, from });
}
