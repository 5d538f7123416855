// The subscription prompt (订阅消息授权), for mini programs and for H5 pages alike.
import { el } from "../dom.js";
import { present } from "../overlay.js";
import { account, act, state } from "../phone-state.js";

export const MOST_TEMPLATES = 3;
const keptKey = (appid, id) => `sim.always.${state.user.openids[appid]}.${id}`;

const titleOf = (appid, id) => state.config.templates.find((one) => one.appid === appid && one.template_id === id)?.title;

function ask(appid, ids) {
  return present({
    testid: "subscribe-sheet", label: "订阅消息", dismissed: null,
    build: (close) => {
      const boxes = ids.map((id) => el("input", { type: "checkbox", checked: true, testid: `subscribe-${id}` }));
      const always = el("input", { type: "checkbox", testid: "subscribe-always" });
      const answer = (accepted) => close({
        always: always.checked,
        answers: Object.fromEntries(ids.map((id, at) => [id, accepted && boxes[at].checked ? "accept" : "reject"])),
      });
      return [
        el("p", { class: "sheet-from" }, account(appid)?.name || appid, " 申请"),
        el("h2", { class: "sheet-title" }, "发送一次以下消息"),
        ...ids.map((id, at) => el("label", { class: "sheet-template" }, el("span", {}, titleOf(appid, id)), boxes[at])),
        el("label", { class: "sheet-always" }, always, "总是保持以上选择，不再询问"),
        el("div", { class: "sheet-buttons" },
          el("button", { type: "button", class: "button", testid: "subscribe-reject", on: { click: () => answer(false) } }, "取消"),
          el("button", { type: "button", class: "button primary", testid: "subscribe-accept", on: { click: () => answer(true) } }, "允许")),
      ];
    },
  });
}

function keptAnswers(appid, ids) {
  const kept = ids.map((id) => [id, localStorage.getItem(keptKey(appid, id))]);
  return kept.every(([, answer]) => answer) ? Object.fromEntries(kept) : null;
}

// WeChat's own refusals, with the errMsg and errCode that a page sees.
function refusal(appid, ids) {
  if (!ids.length) return { errCode: 10001, errMsg: "requestSubscribeMessage:fail TmplIds can't be empty" };
  if (ids.length > MOST_TEMPLATES) return { errCode: 20003, errMsg: "requestSubscribeMessage:fail Templates count out of max bounds" };
  if (ids.some((id) => !titleOf(appid, id))) return { errCode: 20001, errMsg: "requestSubscribeMessage:fail No template data return, verify the template id exist" };
  return null;
}

// Templates with the same title are asked for once; the others are filtered.
function splitSameTitle(appid, ids) {
  const titles = new Set();
  const asked = [];
  const filtered = [];
  for (const id of new Set(ids)) {
    (titles.has(titleOf(appid, id)) ? filtered : asked).push(id);
    titles.add(titleOf(appid, id));
  }
  return { asked, filtered };
}

// Resolves with {template_id: accept|reject|filter} or rejects with {errCode, errMsg}.
export async function requestSubscription({ appid, ids, popupScene }) {
  const refused = refusal(appid, ids);
  if (refused) throw refused;
  const { asked, filtered } = splitSameTitle(appid, ids);
  let answers = keptAnswers(appid, asked);
  if (!answers) {
    const given = await ask(appid, asked);
    answers = given ? given.answers : Object.fromEntries(asked.map((id) => [id, "reject"]));
    if (given?.always) for (const [id, answer] of Object.entries(answers)) localStorage.setItem(keptKey(appid, id), answer);
  }
  for (const id of filtered) answers[id] = "filter";
  await act("/mp/subscribe", { appid, answers, popup_scene: popupScene });
  return answers;
}

// 设置 → 订阅消息: turning one off is told to the backend, as WeChat does.
export async function refuseTemplate({ appid, id }) {
  localStorage.removeItem(keptKey(appid, id));
  await act("/mp/subscription-settings", { appid, template_id: id, answer: "reject" });
}
