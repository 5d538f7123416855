// Lets a clerk scan with WeChat instead of typing. Without signature, WeChat or script the form is there all the same.
(() => {
  "use strict";

  const form = document.querySelector("[data-scan-form]");
  const button = form && form.querySelector("[data-scan]");
  if (!button || !window.wx) return;

  // A barcode comes with its kind before a comma: CODE_128,66….
  function take({ resultStr }) {
    form.elements.code.value = resultStr.split(",").pop();
    form.requestSubmit();
  }

  function offer() {
    button.hidden = false;
    button.addEventListener("click", () => {
      window.wx.scanQRCode({ needResult: 1, scanType: ["qrCode", "barCode"], success: take });
    });
  }

  window.h5JsSdk(form.dataset.jsSignature, ["scanQRCode"]).then(offer).catch(() => {});
})();
