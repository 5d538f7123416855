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

  function offer() {
    const { shareTitle: title, shareText: desc, shareLink: link, sharePicture: imgUrl } = page.dataset;
    window.wx.hideMenuItems({ menuList: HIDDEN });
    window.wx.updateAppMessageShareData({ title, desc, link, imgUrl });
    page.dataset.jsReady = "true";
  }

  window.h5JsSdk(page.dataset.jsSignature, ["updateAppMessageShareData", "hideMenuItems"]).then(offer).catch(() => {});
})();
