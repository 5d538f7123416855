// The three tabs of WeChat: 微信 (chats), 发现 (scan, mini programs), 我 (who am I).
import { avatar, cell, el, icon, navBar } from "../dom.js";
import { patch } from "../control.js";
import { formatTime } from "../clock.js";
import { action, toast } from "../overlay.js";
import { account, accounts, follows, latestIn, reloadUser, state, userPath, watch } from "../phone-state.js";
import { preview } from "./message-card.js";

const TABS = [["", "chats", "微信", "chat"], ["discover", "discover", "发现", "compass"], ["me", "me", "我", "person"]];

function tabBar(active) {
  const dot = state.unread.size ? el("span", { class: "dot", "aria-label": "有新消息" }) : null;
  return el("nav", { class: "tabs" }, ...TABS.map(([path, id, name, image]) =>
    el("a", { href: `#/${path}`, class: id === active ? "tab tab-on" : "tab", testid: `tab-${id}`, "aria-current": id === active && "page" },
      el("span", { class: "tab-icon" }, icon(image), id === "chats" ? dot : null), name)));
}

function chatRow({ testid, place, name, lead, href, idle }) {
  const last = latestIn(place);
  return el("a", { class: "chat-row", href, testid },
    el("span", { class: "chat-lead" }, lead, state.unread.has(place) ? el("span", { class: "dot", testid: `unread-${place}`, "aria-label": "有新消息" }) : null),
    el("span", { class: "cell-main" },
      el("span", { class: "cell-title" }, name),
      el("span", { class: "cell-note" }, last ? preview(last) : idle)),
    last ? el("time", { class: "chat-time" }, formatTime(last.sent_at).slice(5)) : null);
}

const badge = (image, cls) => el("span", { class: `avatar badge ${cls}`, "aria-hidden": "true" }, icon(image));

function chatRows() {
  return [
    ...accounts("oa").map((one) => chatRow({
      testid: `chat-${one.appid}`, place: one.appid, name: one.name, lead: avatar(one.name),
      href: `#/chat/${one.appid}`, idle: follows(one.appid) ? "已关注" : "未关注",
    })),
    chatRow({ testid: "open-notices", place: "notices", name: "服务通知", lead: badge("bell", "badge-blue"), href: "#/notices", idle: "小程序发来的订阅消息" }),
    chatRow({ testid: "open-sms", place: "sms", name: "短信", lead: badge("sms", "badge-green"), href: "#/sms", idle: "验证码会出现在这里" }),
    chatRow({ testid: "open-shares", place: "shares", name: "好友分享", lead: badge("people", "badge-orange"), href: "#/shares", idle: "用户之间转发的卡片" }),
  ];
}

export function chatsScreen(root) {
  const scan = el("a", { class: "nav-button", href: "#/scan", testid: "open-scan", "aria-label": "扫一扫" }, icon("scan"));
  const list = el("main", { class: "scroll cells", testid: "chat-list" });
  const tabs = el("div", {});
  const draw = () => {
    list.replaceChildren(...chatRows());
    tabs.replaceChildren(tabBar("chats"));
  };
  root.append(navBar({ title: "微信", right: scan }), list, tabs);
  draw();
  return watch(draw);
}

export function discoverScreen(root) {
  root.append(
    navBar({ title: "发现" }),
    el("main", { class: "scroll" },
      el("div", { class: "cells" }, cell({
        testid: "discover-scan", lead: icon("scan", "icon cell-icon"), title: "扫一扫", onClick: () => { location.hash = "#/scan"; },
      }), cell({
        testid: "discover-web", lead: icon("globe", "icon cell-icon"), title: "打开网页", note: "在微信浏览器里打开一个地址",
        onClick: () => { location.hash = "#/web"; },
      })),
      el("h2", { class: "group-title" }, "小程序"),
      el("div", { class: "cells" }, ...accounts("mp").map((one) => cell({
        testid: `open-mp-${one.appid}`, lead: avatar(one.name), title: one.name, note: one.appid,
        onClick: () => { location.hash = `#/mp/${one.appid}`; },
      })))),
    tabBar("discover"));
}

function profileForm() {
  const nickname = el("input", { id: "my-nickname", testid: "my-nickname", value: state.user.nickname, maxlength: 32 });
  const phone = el("input", { id: "my-phone", testid: "my-phone", type: "tel", value: state.user.phone || "", maxlength: 20 });
  const save = async () => {
    await patch(userPath(), { nickname: nickname.value.trim(), phone: phone.value.trim() });
    await reloadUser();
    toast("已保存");
  };
  return el("form", { class: "card form", on: { submit: action(save) } },
    el("label", { for: "my-nickname" }, "微信昵称"), nickname,
    el("label", { for: "my-phone" }, "手机号（含国家区号）"), phone,
    el("button", { type: "submit", class: "button", testid: "save-profile" }, "保存"));
}

function identityList() {
  const { user } = state;
  const row = (name, value, testid) => el("div", { class: "fact" }, el("dt", {}, name), el("dd", { testid }, value));
  return el("dl", { class: "card facts" },
    row("用户编号", String(user.id), "my-id"),
    row("unionid", user.unionid || "无", "my-unionid"),
    row("风险等级", String(user.risk_rank ?? 0), "my-risk-rank"),
    ...Object.entries(user.openids || {}).map(([appid, openid]) => row(`${account(appid)?.name || appid} openid`, openid, `my-openid-${appid}`)));
}

export function meScreen(root) {
  const draw = () => root.replaceChildren(
    navBar({ title: "我" }),
    el("main", { class: "scroll" },
      el("div", { class: "profile card" }, avatar(state.user.nickname, "avatar avatar-big"),
        el("span", { class: "cell-main" },
          el("strong", { class: "profile-name", testid: "my-name" }, state.user.nickname),
          el("span", { class: "cell-note" }, state.user.phone || "没有手机号"))),
      el("div", { class: "cells" }, cell({ testid: "open-wallet", lead: icon("coin", "icon cell-icon"), title: "零钱", note: "商家转账在这里收款", onClick: () => { location.hash = "#/wallet"; } }),
        cell({ testid: "switch-user", lead: icon("people", "icon cell-icon"), title: "换一个用户", onClick: () => { location.hash = "#/users"; } })),
      el("h2", { class: "group-title" }, "资料"), profileForm(),
      el("h2", { class: "group-title" }, "开发者信息"), identityList()),
    tabBar("me"));
  draw();
}
