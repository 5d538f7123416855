// A phone number with the code sent to it; used wherever a number is proved.
import { el } from "../dom.js";
import { action, toast } from "../overlay.js";

// `send` takes {phone}, `confirm` takes {phone, sms_code}.
export function smsForm({ title, hint, ok, testid, send, confirm }) {
  const phone = el("input", { type: "tel", testid: `${testid}-phone`, "aria-label": "手机号", placeholder: "手机号", maxlength: 20, autocomplete: "off" });
  const code = el("input", { inputmode: "numeric", testid: `${testid}-code`, "aria-label": "短信验证码", placeholder: "6 位验证码", maxlength: 6, autocomplete: "off" });
  const ask = async () => {
    await send({ phone: phone.value.trim() });
    toast("验证码已发送，请看短信");
  };
  return el("form", { class: "card form", testid, on: { submit: action(() => confirm({ phone: phone.value.trim(), sms_code: code.value.trim() })) } },
    el("h2", { class: "form-title" }, title),
    hint ? el("p", { class: "hint" }, hint) : null,
    phone,
    el("div", { class: "code-row" }, code, el("button", { type: "button", class: "button", testid: `${testid}-send`, on: { click: action(ask) } }, "获取验证码")),
    el("button", { type: "submit", class: "button primary", testid: `${testid}-ok` }, ok));
}
