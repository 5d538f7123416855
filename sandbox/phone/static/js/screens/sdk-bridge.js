// The phone's side of jssdk.js: what a page in the web view may ask of WeChat.
import { el } from "../dom.js";
import { present, showError } from "../overlay.js";
import { follows } from "../phone-state.js";
import { handleScanned, scanPicker } from "./scan.js";
import { requestSubscription } from "./subscribe-sheet.js";
import { requestTransfer } from "./transfer-sheet.js";

const H5_POPUP = 1;
const SHARE_ITEMS = ["menuItem:share:appMessage", "menuItem:share:timeline"];

// What the page shown has told by jssdk.js; empty again with every page.
export const freshPage = (url) => ({ url, title: "", hidden: new Set(), share: {} });

function scanForPage() {
  return present({
    testid: "scan-sheet", label: "扫一扫", dismissed: null,
    build: (close) => [el("h2", { class: "sheet-title" }, "扫一扫"), ...scanPicker({ onScan: close }),
      el("button", { type: "button", class: "sheet-choice sheet-cancel", testid: "scan-cancel", on: { click: () => close(null) } }, "取消")],
  });
}

async function answerScan(args) {
  const text = await scanForPage();
  if (!text) throw { errMsg: "scanQRCode:cancel" };
  if (args.needResult) return { resultStr: text };
  await handleScanned(text);
  return { resultStr: "" };
}

function setMenuItems(page, args, hide) {
  const names = args.menuList || SHARE_ITEMS;
  for (const name of names) page.hidden[hide ? "add" : "delete"](name);
  return {};
}

// The phone's answers to jssdk.js, by method.
const METHODS = {
  scanQRCode: (page, args) => answerScan(args),
  updateAppMessageShareData: (page, args) => { page.share.friend = args; return {}; },
  updateTimelineShareData: (page, args) => { page.share.timeline = args; return {}; },
  hideMenuItems: (page, args) => setMenuItems(page, args, true),
  showMenuItems: (page, args) => setMenuItems(page, args, false),
  hideAllNonBaseMenuItem: (page) => setMenuItems(page, {}, true),
  showAllNonBaseMenuItem: (page) => setMenuItems(page, {}, false),
  hideOptionMenu: (page) => setMenuItems(page, {}, true),
  showOptionMenu: (page) => setMenuItems(page, {}, false),
  closeWindow: (page, args, close) => { close(); return {}; },
  requestMerchantTransfer: (page, args) => requestTransfer(args),
  subscribe: (page, args, close, appid) => {
    if (!follows(appid)) throw { errCode: 10006, errMsg: "subscribe:fail require subscribe" };
    return requestSubscription({ appid, ids: args.ids || [], popupScene: H5_POPUP });
  },
};

// Answers one call of a page by postMessage.
export async function answerPage({ event, page, close }) {
  const { id, method, args = {}, appid } = event.data;
  let reply;
  try {
    if (!METHODS[method]) throw { errMsg: `${method}:fail not supported by the sandbox` };
    reply = { ok: true, result: await METHODS[method](page, args, close, appid) };
  } catch (refused) {
    if (!refused.errMsg) showError(refused);
    reply = { ok: false, result: { errMsg: refused.errMsg || `${method}:fail`, errCode: refused.errCode } };
  }
  event.source.postMessage({ sim: "wx", kind: "answer", id, ...reply }, event.origin);
}
