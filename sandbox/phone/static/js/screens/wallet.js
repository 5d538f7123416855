// 零钱: what was paid to the person, and the transfers that wait to be taken.
import { cell, el, emptyNote, icon, navBar } from "../dom.js";
import { formatTime } from "../clock.js";
import { action, showError } from "../overlay.js";
import { account } from "../phone-state.js";
import { isOpen, loadTransfers, requestTransfer, yuan } from "./transfer-sheet.js";

const WORDS = {
  ACCEPTED: "处理中", PROCESSING: "处理中", WAIT_USER_CONFIRM: "待收款", TRANSFERING: "处理中", SUCCESS: "已收款",
  FAIL: "已退回", CANCELING: "商家撤销中", CANCELLED: "商家已撤销",
};

function row(bill, mchId, redraw) {
  const take = async () => {
    await requestTransfer({ mchId, appId: bill.appid, package: bill.package_info }).catch((refused) => { if (!refused.errMsg) throw refused; });
    await redraw();
  };
  return cell({
    testid: `transfer-${bill.out_bill_no}`, lead: icon("coin", "icon cell-icon"), title: account(bill.appid)?.name || bill.appid,
    note: `${bill.remark} ${formatTime(bill.created_at)}`, value: `${yuan(bill.amount)} ${WORDS[bill.state]}`,
    arrow: isOpen(bill), onClick: isOpen(bill) ? action(take) : undefined,
  });
}

export function walletScreen(root) {
  const body = el("main", { class: "scroll", testid: "wallet" });
  let gone = false;
  const draw = async () => {
    const { wallet_fen: fen, mch_id: mchId, items } = await loadTransfers();
    if (gone) return;
    body.replaceChildren(
      el("section", { class: "card" }, el("p", { class: "cell-note" }, "零钱"), el("strong", { class: "profile-name", testid: "wallet-balance" }, yuan(fen))),
      el("h2", { class: "group-title" }, "商家转账"),
      el("div", { class: "cells" }, ...(items.length ? items.map((bill) => row(bill, mchId, draw)) : [emptyNote("还没有商家转账")])));
  };
  const show = () => { draw().catch(showError); };
  root.append(navBar({ title: "零钱", back: "#/me" }), body);
  show();
  window.addEventListener("clock-moved", show);
  return () => {
    gone = true;
    window.removeEventListener("clock-moved", show);
  };
}
