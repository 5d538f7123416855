// The mini program's first page: join, or the member card with the ways on.
import { avatar, cell, el, icon } from "../dom.js";
import { state } from "../phone-state.js";
import { joinCards } from "./binding.js";
import { subscribeCell } from "./subscribe.js";

function tierNote(tier) {
  if (!tier) return null;
  const rest = tier.next_name ? `再得 ${tier.next_threshold - tier.growth} 成长值升为${tier.next_name}` : "已是最高等级";
  return el("p", { class: "member-next" }, rest);
}

function memberCard(member) {
  return el("section", { class: "member-card", testid: "member-card" },
    el("div", { class: "member-head" }, avatar(member.nickname || state.user.nickname),
      el("span", { class: "cell-main" },
        el("strong", { class: "member-name", testid: "member-name" }, member.nickname || "微信用户"),
        el("span", { class: "member-phone", testid: "member-phone" }, member.phone_masked || "")),
      member.tier ? el("span", { class: "member-tier", testid: "member-tier" }, member.tier.name) : null),
    el("p", { class: "member-points" }, el("strong", { testid: "points-available" }, String(member.points_available)), " 可用积分"),
    tierNote(member.tier),
    el("p", { class: "member-number" }, "No. ", el("span", { testid: "member-number" }, member.number)));
}

const way = (mp, page, name, image, testid, note) => cell({
  testid, lead: icon(image, "icon cell-icon"), title: name, value: note, onClick: () => mp.go(page),
});

export async function homePage(mp) {
  const { member } = await mp.get("/me");
  if (!member) {
    const texts = await mp.get("/privacy-texts");
    return [el("div", { class: "mp-banner" }, el("strong", {}, "欢迎光临"), el("span", {}, "入会即可签到、积分、收到服务通知")), joinCards(mp, texts)];
  }
  return [
    memberCard(member),
    el("div", { class: "cells" },
      way(mp, "pages/card/index", "会员码", "qr", "go-card"),
      way(mp, "pages/check-in/index", "每日签到", "calendar", "go-check-in"),
      way(mp, "pages/points/index", "积分明细", "coin", "go-points"),
      way(mp, "pages/inbox/index", "站内消息", "bell", "go-inbox", member.unread ? `${member.unread} 条未读` : ""),
      subscribeCell(mp)),
  ];
}
