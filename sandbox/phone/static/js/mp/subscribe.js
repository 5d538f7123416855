// Asking for subscription messages, and telling the backend the answers.
import { cell, icon } from "../dom.js";
import { action, toast } from "../overlay.js";
import { MOST_TEMPLATES, requestSubscription } from "../screens/subscribe-sheet.js";

const MP_POPUP = 0;

async function subscribe(mp) {
  const { items } = await mp.get("/subscription-templates");
  if (!items.length) return toast("暂时没有可以订阅的消息");
  const ids = items.slice(0, MOST_TEMPLATES).map((one) => one.template_id);
  let answers;
  try {
    answers = await requestSubscription({ appid: mp.appid, ids, popupScene: MP_POPUP });
  } catch (refused) {
    if (!refused.errMsg) throw refused;
    return toast(`微信没有弹出订阅：${refused.errMsg}`, { bad: true });
  }
  await mp.post("/subscription-grants", { answers: Object.entries(answers).map(([id, answer]) => ({ template_id: id, answer })) });
  const accepted = Object.values(answers).filter((answer) => answer === "accept").length;
  return toast(accepted ? `已订阅 ${accepted} 种消息，各一次` : "没有订阅");
}

export function subscribeCell(mp) {
  return cell({
    id: "mp-subscribe", testid: "mp-subscribe", lead: icon("message", "icon cell-icon"), title: "订阅积分变动提醒", note: "同意一次，下次变动时收到一条服务通知",
    onClick: action(() => subscribe(mp)),
  });
}
