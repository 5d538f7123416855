// Opens WeChat's confirmation of a transfer (确认收款). What it answers is a hint only: the page asks the server.
(() => {
  "use strict";

  const NAME = "requestMerchantTransfer";
  const LOOK_AGAIN_MS = 1500;

  function bridge() {
    if (window.WeixinJSBridge) return Promise.resolve(window.WeixinJSBridge);
    return new Promise((resolve) => {
      document.addEventListener("WeixinJSBridgeReady", () => resolve(window.WeixinJSBridge), { once: true });
    });
  }

  function offer(page) {
    const button = page.querySelector("button"), word = page.querySelector("[data-word]");
    const { mchId, appId, package: packageInfo } = page.dataset;
    button.disabled = false;
    page.dataset.jsReady = "true";
    button.addEventListener("click", async () => {
      button.disabled = true;
      word.textContent = "";
      (await bridge()).invoke(NAME, { mchId, appId, package: packageInfo }, ({ err_msg: told = "" }) => {
        button.disabled = false;
        if (told.endsWith(":ok")) {
          word.textContent = "已确认，正在查询到账结果";
          setTimeout(() => location.reload(), LOOK_AGAIN_MS);
        } else {
          word.textContent = told.endsWith(":cancel") ? "还没有确认，24 小时内都可以确认" : "没有打开确认页面，请更新微信后重试";
        }
      });
    });
  }

  const page = document.querySelector("[data-transfer]");
  if (!page) {
    // The transfer is on its way: what comes of it is shown soon.
    if (document.querySelector("[data-look-again]")) setTimeout(() => location.reload(), LOOK_AGAIN_MS * 2);
    return;
  }
  const say = (text) => { page.querySelector("[data-word]").textContent = text; };
  if (!window.wx) {
    say("请在微信中打开本页确认收款");
    return;
  }
  window.h5JsSdk(page.dataset.jsSignature, [NAME]).then(() => offer(page))
    .catch(() => say("暂时连不上微信，请稍后刷新本页"));
})();
