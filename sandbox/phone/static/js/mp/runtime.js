// Plays a mini program: its title bar with the capsule, its pages, its menu.
import { el, emptyNote, icon } from "../dom.js";
import { action, choose, present, showError, toast } from "../overlay.js";
import { account, state } from "../phone-state.js";
import { rememberShare } from "../screens/shares.js";
import { refuseTemplate } from "../screens/subscribe-sheet.js";
import { cardPage } from "./card.js";
import { checkInPage } from "./check-in.js";
import { createClient } from "./client.js";
import { homePage } from "./home.js";
import { inboxPage } from "./inbox.js";
import { pointsPage } from "./points.js";

const HOME = "pages/index/index";
const PAGES = {
  [HOME]: { title: "会员中心", build: homePage },
  "pages/card/index": { title: "会员码", build: cardPage },
  "pages/check-in/index": { title: "每日签到", build: checkInPage },
  "pages/points/index": { title: "积分明细", build: pointsPage },
  "pages/inbox/index": { title: "站内消息", build: inboxPage },
};

function settingsSheet(appid) {
  const templates = state.config.templates.filter((one) => one.appid === appid && one.kind === "subscribe");
  return present({
    testid: "mp-settings", label: "订阅消息设置",
    build: (close) => [
      el("h2", { class: "sheet-title" }, "订阅消息"),
      ...templates.map((one) => el("div", { class: "sheet-template" }, el("span", {}, one.title),
        el("button", {
          type: "button", class: "button small", testid: `refuse-${one.template_id}`,
          on: { click: action(async () => { await refuseTemplate({ appid, id: one.template_id }); close(); toast(`已拒收“${one.title}”`); }) },
        }, "拒收"))),
      templates.length ? null : emptyNote("这个小程序没有订阅消息模板"),
      el("button", { type: "button", class: "sheet-choice sheet-cancel", on: { click: () => close() } }, "关闭"),
    ],
  });
}

async function openMenu(mp, page) {
  const choice = await choose({
    title: account(mp.appid).name, testid: "mp-menu",
    choices: [
      { text: "转发给朋友", value: "share", testid: "mp-share" },
      { text: "设置订阅消息", value: "settings", testid: "mp-open-settings" },
      { text: "重新登录", value: "login", testid: "mp-login-again" },
    ],
  });
  if (choice === "share") {
    rememberShare({ title: account(mp.appid).name, page, appid: mp.appid, to: "friend" });
    toast("已分享，可在“好友分享”里换一个用户打开");
  }
  if (choice === "settings") await settingsSheet(mp.appid);
  if (choice === "login") {
    mp.logOut();
    mp.go(HOME);
  }
}

function capsule(mp, page) {
  return el("span", { class: "capsule" },
    el("button", { type: "button", testid: "mp-more", "aria-label": "更多", on: { click: action(() => openMenu(mp, page)) } }, icon("more")),
    el("button", { type: "button", testid: "mp-close", "aria-label": "关闭小程序", on: { click: () => { location.hash = "#/discover"; } } }, icon("target")));
}

function titleBar(mp, page, title) {
  const isHome = page === HOME;
  return el("header", { class: "nav nav-mp" },
    isHome ? el("span", { class: "nav-button" })
      : el("button", { class: "nav-button", type: "button", testid: "back", "aria-label": "返回", on: { click: () => mp.go(HOME) } }, icon("back")),
    el("h1", { class: "nav-title", testid: "screen-title" }, title),
    capsule(mp, page));
}

function failure(error, retry) {
  showError(error);
  return el("div", { class: "mp-failure", testid: "mp-failure" },
    el("p", {}, error.message),
    el("button", { type: "button", class: "button", testid: "mp-retry", on: { click: retry } }, "重试"));
}

export function miniProgramScreen(root, { rest: [appid], search }) {
  if (account(appid)?.kind !== "mp") {
    root.append(emptyNote("沙箱里没有这个小程序"));
    return undefined;
  }
  const mp = createClient(appid);
  mp.go = (page) => {
    const address = `#/mp/${appid}?${new URLSearchParams({ page })}`;
    if (location.hash === address) mp.redraw();
    else location.hash = address;
  };
  const asked = search.get("page") || HOME;
  const [path] = asked.replace(/^\//, "").split("?");
  const page = PAGES[path];
  const body = el("main", { class: "scroll mp", testid: "mp-page", "data-page": path });
  let gone = false;
  mp.redraw = async () => {
    body.setAttribute("aria-busy", "true");
    try {
      await mp.visit();
      const nodes = await page.build(mp);
      if (!gone) body.replaceChildren(...nodes.filter(Boolean));
    } catch (error) {
      if (!gone) body.replaceChildren(failure(error, mp.redraw));
    } finally {
      body.removeAttribute("aria-busy");
    }
  };
  root.append(titleBar(mp, path, page ? page.title : "页面不存在"), body);
  if (!page) {
    body.append(emptyNote(`小程序里没有页面 ${path}`));
    return undefined;
  }
  body.append(el("p", { class: "empty" }, "加载中…"));
  mp.redraw();
  window.addEventListener("clock-moved", mp.redraw);
  return () => {
    gone = true;
    window.removeEventListener("clock-moved", mp.redraw);
  };
}
