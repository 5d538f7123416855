// Tells WeChat what a shared page looks like, and hides the ways of sharing that do not fit a personal page.
// Everything works without: no signature, no WeChat, no script.
(() => {
  "use strict";

  const page = document.querySelector("[data-js-signature]");
  if (!page || !window.wx) return;

  // A member card is for a friend to open their own, not for the public.
  const HIDDEN = [
    "menuItem:share:timeline", "menuItem:share:qq", "menuItem:share:weiboApp", "menuItem:share:QZone", "menuItem:favorite",
  ];

  async function signature() {
    const query = new URLSearchParams({ url: location.href.split("#")[0] });
    const answer = await fetch(`${page.dataset.jsSignature}?${query}`, { redirect: "error" });
    if (!answer.ok) throw new Error(String(answer.status));
    return answer.json();
  }

  function configure({ appid, timestamp, nonce, signature: signed }) {
    window.wx.config({
      debug: false, appId: appid, timestamp, nonceStr: nonce, signature: signed,
      jsApiList: ["updateAppMessageShareData", "hideMenuItems"],
    });
    window.wx.ready(() => {
      const { shareTitle: title, shareText: desc, shareLink: link, sharePicture: imgUrl } = page.dataset;
      window.wx.hideMenuItems({ menuList: HIDDEN });
      window.wx.updateAppMessageShareData({ title, desc, link, imgUrl });
      page.dataset.jsReady = "true";
    });
  }

  signature().then(configure).catch(() => {});
})();
