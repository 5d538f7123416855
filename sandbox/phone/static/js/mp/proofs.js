// What a binding may still owe: a second proof that the person is the earlier
// member, or their word on merging two memberships.
import { el } from "../dom.js";
import { action, toast } from "../overlay.js";
import { smsForm } from "./sms-form.js";

function secondProof(mp, reviewId, message, settle) {
  const path = `/binding-reviews/${reviewId}`;
  const code = el("input", { testid: "proof-code", "aria-label": "核验码", inputmode: "numeric", maxlength: 6, autocomplete: "off", placeholder: "发到原来微信的 6 位核验码" });
  const prove = async () => settle(await mp.post(`${path}/code`, { proof_code: code.value.trim() }));
  const askStaff = async () => {
    await mp.post(`${path}/staff`);
    toast("已提交，请到门店由店长核验");
  };
  const decline = async () => settle(await mp.post(`${path}/decline`));
  return [el("form", { class: "card form", testid: "proof-form", on: { submit: action(prove) } },
    el("h2", { class: "form-title" }, "身份核验"),
    el("p", { class: "hint", testid: "proof-message" }, message),
    code,
    el("button", { type: "submit", class: "button primary", testid: "proof-submit" }, "提交核验码"),
    el("button", { type: "button", class: "button", testid: "proof-staff", on: { click: action(askStaff) } }, "原来的微信用不了，申请门店核验"),
    el("button", { type: "button", class: "button", testid: "proof-decline", on: { click: action(decline) } }, "那不是我，重新入会"))];
}

function merge(mp, proposalId, message) {
  const path = `/merge-proposals/${proposalId}`;
  const note = el("p", { class: "hint", testid: "merge-note" }, `${message}。请分别验证两个手机号，然后确认合并，两边的积分都会保留。`);
  const prove = async (body) => {
    const { is_one_of_both: fits } = await mp.post(`${path}/proofs`, body);
    toast(fits ? "这个手机号验证通过" : "这个手机号不属于这两个会员账户", { bad: !fits });
  };
  const agree = async () => {
    await mp.post(`${path}/agreement`);
    toast("已同意合并，稍后完成");
    mp.redraw();
  };
  return [
    smsForm({ title: "合并会员账户", ok: "验证这个手机号", testid: "merge", send: (body) => mp.post(`${path}/codes`, body), confirm: prove }),
    el("section", { class: "card form" }, note,
      el("button", { type: "button", class: "button primary", testid: "merge-agree", on: { click: action(agree) } }, "同意合并"),
      el("button", { type: "button", class: "button", testid: "merge-later", on: { click: () => mp.redraw() } }, "暂不合并")),
  ];
}

// Shows in `holder` what is still owed, or goes on to the member's page.
export function settleBinding(mp, holder, answer) {
  const settle = (next) => settleBinding(mp, holder, next);
  if (answer.review_id) return holder.replaceChildren(...secondProof(mp, answer.review_id, answer.message, settle));
  if (answer.proposal_id) return holder.replaceChildren(...merge(mp, answer.proposal_id, answer.message));
  toast(answer.message);
  return mp.redraw();
}
