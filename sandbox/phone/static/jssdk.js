// Stands for WeChat's JS-SDK (jweixin). The signature of wx.config is checked
// by the sandbox; scanning, sharing and subscribing happen on the phone page
// that shows this page in its frame, and are spoken of by postMessage.
(() => {
  "use strict";

  const SANDBOX = new URL(document.currentScript.src).origin;
  const IN_PHONE = window.parent !== window;
  const APIS = [
    "checkJsApi", "scanQRCode", "updateAppMessageShareData", "updateTimelineShareData", "hideMenuItems", "showMenuItems",
    "hideAllNonBaseMenuItem", "showAllNonBaseMenuItem", "hideOptionMenu", "showOptionMenu", "closeWindow",
  ];
  const WITHOUT_PERMISSION = ["checkJsApi", "closeWindow"];
  const BRIDGE_APIS = ["requestMerchantTransfer"]; // only by WeixinJSBridge.invoke

  const pending = new Map();
  const onReady = [];
  const onError = [];
  let lastId = 0;
  let config = null;
  let outcome = null; // {ok, errMsg} once the signature was checked

  const log = (...parts) => { if (config?.debug) console.info("[wx]", ...parts); };
  const pageUrl = () => location.href.split("#")[0];
  const tell = (message) => { if (IN_PHONE) window.parent.postMessage({ sim: "wx", ...message }, SANDBOX); };

  function ask(method, args) {
    if (!IN_PHONE) return Promise.reject({ errMsg: `${method}:fail open this page in the sandbox phone` });
    lastId += 1;
    const id = lastId;
    tell({ kind: "call", id, method, args, appid: config?.appId });
    return new Promise((resolve, reject) => pending.set(id, { resolve, reject }));
  }

  window.addEventListener("message", (event) => {
    const data = event.data;
    if (event.origin !== SANDBOX || event.source !== window.parent || data?.sim !== "wx") return;
    if (data.kind === "reload") location.reload();
    const waiting = data.kind === "answer" && pending.get(data.id);
    if (!waiting) return;
    pending.delete(data.id);
    if (data.ok) waiting.resolve(data.result);
    else waiting.reject(data.result);
  });

  // A listener that throws must not keep the others from running.
  function settle(listeners, value) {
    for (const listener of listeners.splice(0)) setTimeout(() => listener(value));
  }

  async function verify() {
    const response = await fetch(`${SANDBOX}/_sim/jssdk/verify`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({
        appid: config.appId, timestamp: String(config.timestamp), nonceStr: config.nonceStr, signature: config.signature, url: pageUrl(),
      }),
    });
    return response.json();
  }

  async function runConfig(given) {
    config = { jsApiList: [], openTagList: [], ...given };
    try {
      const answer = await verify();
      outcome = answer.ok ? { ok: true, errMsg: "config:ok" } : { ok: false, errMsg: answer.errMsg || answer.error || "config:invalid signature" };
    } catch (error) {
      outcome = { ok: false, errMsg: `config:fail ${error.message}` };
    }
    log(outcome.errMsg);
    if (outcome.ok) {
      settle(onReady, undefined);
    } else {
      tell({ kind: "config-failed", errMsg: outcome.errMsg });
      settle(onError, { errMsg: outcome.errMsg });
    }
  }

  const permitted = (name) => WITHOUT_PERMISSION.includes(name) || (outcome?.ok && config.jsApiList.includes(name));

  function finish(options, kind, result) {
    log(result.errMsg, result);
    options[kind]?.(result);
    options.complete?.(result);
  }

  async function invoke(name, options = {}) {
    if (!permitted(name)) return finish(options, "fail", { errMsg: `${name}:fail, the permission value is offline verifying` });
    const args = Object.fromEntries(Object.entries(options).filter(([, value]) => typeof value !== "function"));
    try {
      const result = await ask(name, args);
      return finish(options, "success", { errMsg: `${name}:ok`, ...result });
    } catch (refused) {
      const cancelled = refused.errMsg?.endsWith(":cancel");
      return finish(options, cancelled && options.cancel ? "cancel" : "fail", { errMsg: `${name}:fail`, ...refused });
    }
  }

  function checkJsApi(options = {}) {
    const checkResult = Object.fromEntries((options.jsApiList || []).map((name) => [name, APIS.includes(name) || BRIDGE_APIS.includes(name)]));
    finish(options, "success", { errMsg: "checkJsApi:ok", checkResult });
  }

  // WeixinJSBridge answers with err_msg and calls one function for every end.
  async function bridge(name, args, callback = () => {}) {
    if (!BRIDGE_APIS.includes(name)) return callback({ err_msg: `${name}:fail not supported by the sandbox` });
    const end = ({ errMsg, ...rest }) => callback({ err_msg: errMsg, ...rest });
    return invoke(name, { ...args, success: end, fail: end });
  }

  const wx = {
    config: (given) => { runConfig(given); },
    ready: (listener) => { if (outcome?.ok) setTimeout(listener); else onReady.push(listener); },
    error: (listener) => { if (outcome && !outcome.ok) setTimeout(() => listener({ errMsg: outcome.errMsg })); else onError.push(listener); },
    miniProgram: { getEnv: (listener) => listener({ miniprogram: false }) },
  };
  for (const name of APIS) wx[name] = (options) => { invoke(name, options); };
  wx.checkJsApi = checkJsApi;
  window.wx = wx;
  window.jWeixin = wx;
  window.WeixinJSBridge = { invoke: (name, args, callback) => { bridge(name, args, callback); } };
  document.dispatchEvent(new Event("WeixinJSBridgeReady"));

  // <wx-open-subscribe template="ID,ID"> with its look in a
  // <script type="text/wxtag-template"> or <template> child.
  class OpenSubscribe extends HTMLElement {
    connectedCallback() {
      if (this.shadowRoot) return;
      // The children may not be parsed yet when the tag opens.
      if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", () => this.draw());
      else this.draw();
    }

    draw() {
      const source = [...this.children].find((child) => child.matches('script[type="text/wxtag-template"], template') && child.slot !== "style");
      const look = source?.innerHTML || '<button type="button">订阅消息</button>';
      const root = this.attachShadow({ mode: "open" });
      root.innerHTML = [...this.children].filter((child) => child.slot === "style").map((child) => child.innerHTML || child.textContent).join("") + look;
      this.addEventListener("click", () => this.subscribe());
      this.dispatchEvent(new CustomEvent("ready"));
    }

    async subscribe() {
      const ids = (this.getAttribute("template") || "").split(",").map((id) => id.trim()).filter(Boolean);
      try {
        if (!outcome?.ok || !config.openTagList.includes("wx-open-subscribe")) throw { errCode: "10000", errMsg: "subscribe:fail wx-open-subscribe is not in openTagList" };
        const answers = await ask("subscribe", { ids });
        const details = Object.fromEntries(Object.entries(answers).map(([id, status]) => [id, JSON.stringify({ status })]));
        this.dispatchEvent(new CustomEvent("success", { detail: { errMsg: "subscribe:ok", subscribeDetails: JSON.stringify(details) } }));
      } catch (refused) {
        this.dispatchEvent(new CustomEvent("error", { detail: { errMsg: refused.errMsg || "subscribe:fail", errCode: String(refused.errCode || "") } }));
      }
    }
  }
  customElements.define("wx-open-subscribe", OpenSubscribe);

  // The phone cannot read the address of a page of another origin: say it,
  // and whether this is a new document or only another place in the same one.
  const announce = (isNew) => tell({ kind: "page", url: location.href, title: document.title, isNew });
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", () => announce(true));
  else announce(true);
  window.addEventListener("hashchange", () => announce(false));
  window.addEventListener("popstate", () => announce(false));
})();
