// The chat with an Official Account: follow, the stream, the menu bar, a text.
import { el, emptyNote, icon, navBar } from "../dom.js";
import { get } from "../control.js";
import { formatTime } from "../clock.js";
import { action, choose, confirmBox, showError, toast } from "../overlay.js";
import { account, act, follows, markRead, messagesIn, reloadUser, userPath, watch } from "../phone-state.js";
import { messageNode, openPage, openWeb } from "./message-card.js";

const GAP_FOR_TIME_SECONDS = 300;

async function follow(appid) {
  await act("/follow", { appid });
  await reloadUser();
}

async function more(appid) {
  const choice = await choose({
    title: account(appid).name,
    choices: follows(appid) ? [{ text: "不再关注", value: "unfollow", testid: "unfollow" }] : [{ text: "关注公众号", value: "follow", testid: "follow-from-menu" }],
  });
  if (choice === "follow") await follow(appid);
  if (choice !== "unfollow") return;
  const sure = await confirmBox({ title: "不再关注", text: "不再关注后将不再收到其下发的消息", ok: "不再关注", testid: "confirm-unfollow" });
  if (!sure) return;
  await act("/unfollow", { appid });
  await reloadUser();
  toast("已取消关注");
}

async function tapMenu(appid, index) {
  const answer = await act("/menu", { appid, index });
  const from = `chat/${appid}`;
  if (answer.action === "view") openWeb(answer.url, from);
  else if (answer.action === "miniprogram") openPage(answer.appid, answer.pagepath);
  else if (answer.action?.startsWith("scancode")) location.hash = "#/scan";
}

async function chooseSub(appid, button, first) {
  const index = await choose({
    title: button.name, testid: "submenu",
    choices: button.sub_button.map((sub, second) => ({ text: sub.name, value: [first, second], testid: `menu-${first}-${second}` })),
  });
  if (index) await tapMenu(appid, index);
}

function menuBar(appid, buttons, toKeyboard) {
  return el("div", { class: "chat-bar", testid: "menu-bar" },
    el("button", { class: "bar-switch", type: "button", testid: "to-keyboard", "aria-label": "切换到文字输入", on: { click: toKeyboard } }, icon("keyboard")),
    ...buttons.map((button, first) => {
      const hasSub = button.sub_button?.length > 0;
      return el("button", {
        class: "bar-item", type: "button", testid: `menu-${first}`, "aria-haspopup": hasSub && "dialog",
        on: { click: action(() => (hasSub ? chooseSub(appid, button, first) : tapMenu(appid, [first]))) },
      }, hasSub ? icon("menu", "icon bar-icon") : null, button.name);
    }));
}

function textBar(appid, toMenu, hasMenu) {
  const input = el("input", { class: "bar-input", testid: "chat-input", id: "chat-input", "aria-label": "输入消息", maxlength: 600, autocomplete: "off" });
  const send = async () => {
    const content = input.value.trim();
    if (!content) return;
    input.value = "";
    await act("/text", { appid, content });
  };
  return el("form", { class: "chat-bar", testid: "text-bar", on: { submit: action(send) } },
    hasMenu ? el("button", { class: "bar-switch", type: "button", testid: "to-menu", "aria-label": "切换到菜单", on: { click: toMenu } }, icon("menu")) : null,
    input,
    el("button", { class: "button primary bar-send", type: "submit", testid: "chat-send" }, "发送"));
}

function followPanel(appid) {
  const one = account(appid);
  return el("div", { class: "follow-panel" },
    el("p", {}, `关注“${one.name}”，接收服务消息并使用底部菜单`),
    el("button", { class: "button primary", type: "button", id: "follow", testid: "follow", on: { click: action(() => follow(appid)) } }, "关注公众号"));
}

function stream(appid, list) {
  const lines = messagesIn(appid);
  let lastTime = 0;
  const nodes = [];
  for (const line of lines) {
    const at = new Date(line.sent_at).getTime() / 1000;
    if (Math.abs(at - lastTime) > GAP_FOR_TIME_SECONDS) nodes.push(el("time", { class: "stream-time" }, formatTime(line.sent_at)));
    lastTime = at;
    nodes.push(messageNode(line, `chat/${appid}`));
  }
  if (!nodes.length) nodes.push(emptyNote("还没有消息"));
  const grew = list.childElementCount !== nodes.length;
  list.replaceChildren(...nodes);
  if (grew) list.scrollTop = list.scrollHeight;
}

export function chatScreen(root, { rest: [appid] }) {
  if (!account(appid)) {
    root.append(navBar({ title: "公众号", back: "#/" }), emptyNote("沙箱里没有这个公众号"));
    return undefined;
  }
  const list = el("main", { class: "scroll stream", testid: "chat-stream", "aria-live": "polite" });
  const foot = el("footer", { class: "chat-foot" });
  let typing = false;
  let buttons = [];
  const drawFoot = () => {
    if (!follows(appid)) return foot.replaceChildren(followPanel(appid));
    const flip = () => { typing = !typing; drawFoot(); };
    return foot.replaceChildren(typing || !buttons.length ? textBar(appid, flip, buttons.length > 0) : menuBar(appid, buttons, flip));
  };
  let wasFollowing = follows(appid);
  const loadMenu = async () => {
    buttons = (await get(userPath(`/menu?${new URLSearchParams({ appid })}`))).button;
    drawFoot();
  };
  const draw = () => {
    markRead(appid);
    stream(appid, list);
    if (follows(appid) === wasFollowing) return;
    wasFollowing = follows(appid);
    loadMenu().catch(showError);
  };
  root.append(
    navBar({
      title: account(appid).name, back: "#/",
      right: el("button", { class: "nav-button", type: "button", testid: "chat-more", "aria-label": "更多", on: { click: action(() => more(appid)) } }, icon("more")),
    }), list, foot);
  markRead(appid);
  stream(appid, list);
  drawFoot();
  loadMenu().catch(showError);
  return watch(draw);
}
