// 服务通知 and 短信: what arrived outside the chats.
import { el, emptyNote, navBar } from "../dom.js";
import { formatTime } from "../clock.js";
import { loadMessages, markRead, state, watch } from "../phone-state.js";
import { card } from "./message-card.js";

const CODE = /\d{4,8}/;

function listScreen(root, { title, testid, place, pick, row, empty }) {
  const list = el("main", { class: "scroll stream", testid });
  const draw = () => {
    markRead(place);
    const found = pick().reverse();
    list.replaceChildren(...(found.length ? found.map(row) : [emptyNote(empty)]));
  };
  root.append(navBar({ title, back: "#/" }), list);
  draw();
  loadMessages({ quiet: true }).catch(() => {}); // the poll will say so if it goes on failing
  return watch(draw);
}

// Newest first. Template messages stand here as well as in their chat, so that
// everything a backend sent can be seen in one place.
export function noticesScreen(root) {
  return listScreen(root, {
    title: "服务通知", testid: "notice-list", place: "notices",
    pick: () => state.messages.filter((one) => one.channel === "template" || one.channel === "subscribe"),
    row: (message) => card(message, "notices"), empty: "还没有服务通知",
  });
}

function smsRow(message) {
  const code = message.text.match(CODE)?.[0];
  return el("article", { class: "message-card", testid: "sms" },
    el("p", { class: "card-from" }, message.title || "短信", el("time", {}, formatTime(message.sent_at).slice(5))),
    el("p", { class: "card-text", testid: "sms-text" }, message.text),
    code ? el("p", { class: "sms-code" }, "验证码 ", el("strong", { testid: "sms-code" }, code)) : null);
}

export function smsScreen(root) {
  return listScreen(root, {
    title: "短信", testid: "sms-list", place: "sms",
    pick: () => state.messages.filter((one) => one.channel === "sms"), row: smsRow, empty: "还没有短信",
  });
}
