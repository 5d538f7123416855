// Lets a clerk scan with WeChat instead of typing. Without signature, WeChat or script the form is there all the same.
(() => {
  "use strict";

  const form = document.querySelector("[data-scan-form]");
  const button = form && form.querySelector("[data-scan]");
  if (!button || !window.wx) return;

  async function signature() {
    const query = new URLSearchParams({ url: location.href.split("#")[0] });
    const answer = await fetch(`${form.dataset.jsSignature}?${query}`, { redirect: "error" });
    if (!answer.ok) throw new Error(String(answer.status));
    return answer.json();
  }

  // A barcode comes with its kind before a comma: CODE_128,66….
  function take({ resultStr }) {
    form.elements.code.value = resultStr.split(",").pop();
    form.requestSubmit();
  }

  function configure({ appid, timestamp, nonce, signature: signed }) {
    window.wx.config({
      debug: false, appId: appid, timestamp, nonceStr: nonce, signature: signed, jsApiList: ["scanQRCode"],
    });
    window.wx.ready(() => {
      button.hidden = false;
      button.addEventListener("click", () => {
        window.wx.scanQRCode({ needResult: 1, scanType: ["qrCode", "barCode"], success: take });
      });
    });
  }

  signature().then(configure).catch(() => {});
})();
