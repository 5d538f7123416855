// 扫一扫: stands for the camera. A person picks a known QR code or pastes what
// a code holds (a ticket, a scene, a web address, any text).
import { cell, el, emptyNote, icon, navBar } from "../dom.js";
import { get } from "../control.js";
import { action, showError, toast } from "../overlay.js";
import { account, act, reloadUser } from "../phone-state.js";
import { openPage, openWeb } from "./message-card.js";

const knownCodes = async () => (await get("/phone/codes")).items;

// People may paste a ticket or a scene in place of what the code itself holds.
async function whatItHolds(text) {
  const code = (await knownCodes()).find((one) => [one.url, one.ticket, one.scene].includes(text));
  return { url: code?.url ?? text, appid: code?.appid };
}

// What WeChat does with a scanned code by itself.
export async function handleScanned(text) {
  const { url, appid } = await whatItHolds(text);
  const found = await act("/scan", { url });
  if (found.action === "account") {
    await reloadUser();
    location.hash = `#/chat/${appid}`;
  } else if (found.action === "mini_program") {
    openPage(found.appid, found.query ? `${found.path}?${found.query}` : found.path);
  } else if (found.action === "view") {
    openWeb(found.url, "");
  } else {
    toast(`扫到的内容：${text}`);
  }
}

// The picker itself, shared by the screen and by wx.scanQRCode of a page.
export function scanPicker({ onScan }) {
  const input = el("input", { id: "scan-text", testid: "scan-text", autocomplete: "off", placeholder: "粘贴二维码内容、ticket 或场景值", "aria-label": "二维码内容" });
  const list = el("div", { class: "cells", testid: "scan-codes" });
  const submit = async () => {
    const text = input.value.trim();
    if (!text) return toast("请先填二维码内容", { bad: true });
    return onScan(text);
  };
  knownCodes().then((codes) => {
    list.replaceChildren(...codes.map((code) => cell({
      testid: "scan-code", lead: icon("qr", "icon cell-icon"), title: code.scene || code.url,
      note: [account(code.appid)?.name, code.is_expired ? "已过期" : ""].filter(Boolean).join(" · "),
      onClick: action(() => onScan(code.url)),
    })));
    if (!codes.length) list.append(emptyNote("还没有生成过二维码"));
  }).catch(showError);
  return [
    el("form", { class: "card form scan-form", on: { submit: action(submit) } }, input,
      el("button", { type: "submit", class: "button primary", id: "scan-submit", testid: "scan-submit" }, "扫描")),
    el("h2", { class: "group-title" }, "沙箱里的二维码"), list,
  ];
}

export function scanScreen(root) {
  root.append(
    navBar({ title: "扫一扫", back: "#/" }),
    el("main", { class: "scroll" },
      el("div", { class: "viewfinder", "aria-hidden": "true" }, el("span", { class: "viewfinder-line" })),
      ...scanPicker({ onScan: handleScanned })));
}
