// 收款确认: what opens on requestMerchantTransfer, for mini programs and H5 pages alike.
import { get, post } from "../control.js";
import { el } from "../dom.js";
import { present, toast } from "../overlay.js";
import { account, userPath } from "../phone-state.js";

export const yuan = (fen) => `¥${(fen / 100).toFixed(2)}`;
export const isOpen = (bill) => bill.state === "WAIT_USER_CONFIRM" || bill.state === "TRANSFERING";
export const loadTransfers = () => get(userPath("/transfers"));

function ask(bill) {
  return present({
    testid: "transfer-sheet", label: "商家转账", dismissed: false,
    build: (close) => [
      el("p", { class: "sheet-from" }, account(bill.appid)?.name || bill.appid, " 向你转账"),
      el("h2", { class: "sheet-title", testid: "transfer-amount" }, yuan(bill.amount)),
      el("p", { class: "sheet-text" }, bill.perception ? `${bill.remark}（${bill.perception}）` : bill.remark),
      el("div", { class: "sheet-buttons" },
        el("button", { type: "button", class: "button", testid: "transfer-cancel", on: { click: () => close(false) } }, "暂不收款"),
        el("button", { type: "button", class: "button primary", testid: "transfer-take", on: { click: () => close(true) } }, "收款")),
    ],
  });
}

// Resolves with {} once the person has taken the money, or rejects with {errMsg}.
export async function requestTransfer({ mchId, appId, package: packageInfo }) {
  const { items } = await loadTransfers();
  const bill = items.find((one) => one.package_info === packageInfo && isOpen(one));
  // What cannot be taken is asked for all the same: the refusal says why.
  if (bill && !(await ask(bill))) throw { errMsg: "requestMerchantTransfer:cancel" };
  let ended;
  try {
    ended = await post(userPath("/transfers/confirm"), { mchId, appId, package: packageInfo });
  } catch (refused) {
    toast(refused.message, { bad: true });
    throw { errMsg: `requestMerchantTransfer:fail ${refused.message}` };
  }
  if (ended.state === "FAIL") {
    toast(`收款失败：${ended.fail_reason}`, { bad: true });
    throw { errMsg: "requestMerchantTransfer:fail" };
  }
  toast(ended.state === "SUCCESS" ? `已收款 ${yuan(ended.amount)}` : "处理中，请稍后查看零钱");
  return {};
}
