// Becoming a member in the mini program: consents, then the phone button or a
// code by SMS.
import { el } from "../dom.js";
import { action, confirmBox, present, toast } from "../overlay.js";
import { state } from "../phone-state.js";
import { settleBinding } from "./proofs.js";
import { smsForm } from "./sms-form.js";

function readText(text) {
  return present({
    testid: "privacy-text", label: text.title,
    build: (close) => [
      el("h2", { class: "sheet-title" }, text.title),
      el("p", { class: "sheet-text" }, text.body),
      el("button", { type: "button", class: "sheet-choice sheet-cancel", testid: "privacy-text-close", on: { click: () => close() } }, "关闭"),
    ],
  });
}

function consentRow(text, box) {
  return el("label", { class: "check" }, box,
    el("span", {}, "我已阅读并同意",
      el("button", { type: "button", class: "text-link", testid: `read-${text.purpose}`, on: { click: action(() => readText(text)) } }, `《${text.title}》`),
      text.is_required ? "" : el("em", { class: "optional" }, "（可选）")));
}

// No box is ticked beforehand.
function consentBoxes(texts) {
  const boxes = texts.map((text) => ({ text, box: el("input", { type: "checkbox", testid: `consent-${text.purpose}` }) }));
  return {
    nodes: boxes.map(({ text, box }) => consentRow(text, box)),
    given: () => boxes.filter(({ box }) => box.checked).map(({ text }) => ({ purpose: text.purpose, version: text.version })),
    isComplete: () => {
      const missing = boxes.find(({ text, box }) => text.is_required && !box.checked)?.text;
      if (missing) toast(`请先阅读并勾选《${missing.title}》`, { bad: true });
      return !missing;
    },
  };
}

const maskedPhone = (phone) => phone.replace(/^(\+86)?(\d{3})\d{4}(\d{4})$/, "$2****$3");

// WeChat's own sheet behind <button open-type="getPhoneNumber">.
function askForPhone() {
  return confirmBox({
    title: "申请获取并验证你的手机号", text: `${maskedPhone(state.user.phone)}　微信绑定号码`, ok: "允许", cancel: "不允许", testid: "phone-sheet",
  });
}

export function joinCards(mp, texts) {
  const consents = consentBoxes(texts.items);
  const holder = el("div", { testid: "join" });
  const bindByButton = async () => {
    if (!consents.isComplete()) return undefined;
    if (!state.user.phone) return toast("这个微信用户没有绑定手机号", { bad: true });
    if (!await askForPhone()) return toast("你没有允许使用手机号");
    const code = await mp.phoneCode();
    return settleBinding(mp, holder, await mp.post("/phone", { code, consents: consents.given() }));
  };
  const bindByCode = async (body) => {
    if (!consents.isComplete()) return undefined;
    return settleBinding(mp, holder, await mp.post("/phone/sms", { ...body, consents: consents.given() }));
  };
  holder.append(
    el("section", { class: "card form", testid: "join-card" },
      el("h2", { class: "form-title" }, "绑定手机号，成为会员"),
      el("p", { class: "hint" }, "手机号用于识别你的会员身份，在门店和线上使用同一份积分。"),
      el("p", { class: "hint", testid: "points-expiry" }, `${texts.points_expiry}；到期前会提醒你。`),
      ...consents.nodes,
      el("button", { type: "button", class: "button primary", id: "mp-phone", testid: "mp-phone", on: { click: action(bindByButton) } }, "手机号快捷登录")),
    smsForm({ title: "使用其他手机号", ok: "绑定", testid: "sms-bind", send: (body) => mp.post("/phone/sms-codes", body), confirm: bindByCode }));
  return holder;
}
