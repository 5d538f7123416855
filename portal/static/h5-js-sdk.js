// Opens WeChat's JS-SDK for a page, signed by our server: h5JsSdk(address of the signature, names) is done once WeChat
// is ready to be called by those names. Nothing waits for it: without signature or WeChat it fails.
window.h5JsSdk = async (address, names) => {
  "use strict";

  const query = new URLSearchParams({ url: location.href.split("#")[0] });
  const answer = await fetch(`${address}?${query}`, { redirect: "error" });
  if (!answer.ok) throw new Error(String(answer.status));
  const { appid, timestamp, nonce, signature } = await answer.json();
  await new Promise((resolve, reject) => {
    window.wx.config({ debug: false, appId: appid, timestamp, nonceStr: nonce, signature, jsApiList: names });
    window.wx.ready(resolve);
    window.wx.error(reject);
  });
};
