// WeChat's browser: a frame with an address line, back, reload, close and the
// "…" menu. Pages of another origin tell where they are through jssdk.js.
import { el, icon, navBar } from "../dom.js";
import { action, choose, toast } from "../overlay.js";
import { answerPage, freshPage } from "./sdk-bridge.js";
import { rememberShare } from "./shares.js";

const isWebAddress = (text) => {
  try {
    return ["http:", "https:"].includes(new URL(text).protocol);
  } catch {
    return false;
  }
};

function menuChoices(page) {
  return [
    !page.hidden.has("menuItem:share:appMessage") && { text: "发送给朋友", value: "friend", testid: "share-friend" },
    !page.hidden.has("menuItem:share:timeline") && { text: "分享到朋友圈", value: "timeline", testid: "share-timeline" },
    { text: "刷新", value: "reload", testid: "menu-reload" },
    { text: "在浏览器新窗口打开", value: "window", testid: "menu-window" },
  ].filter(Boolean);
}

const iconButton = (name, testid, label, click) =>
  el("button", { class: "nav-button", type: "button", testid, "aria-label": label, on: { click } }, icon(name));

class WebView {
  constructor(root, { from }) {
    this.root = root;
    this.from = from;
    this.page = freshPage("");
    this.frame = null;
    this.loads = 0;
    this.depth = 0; // pages behind the present one, inside the frame
    this.isSteppingBack = false;
    this.hasSpoken = false; // did the page now loading speak by jssdk.js?
  }

  draw() {
    this.address = el("input", { class: "address-input", testid: "web-address", "aria-label": "网址", autocomplete: "off", placeholder: "输入网址，例如 http://127.0.0.1:8000/" });
    this.holder = el("main", { class: "web-holder" });
    const submit = (event) => { event.preventDefault(); this.open(this.address.value.trim()); };
    this.root.append(
      navBar({
        title: "网页", back: () => this.back(),
        right: el("span", { class: "nav-pair" },
          iconButton("more", "web-more", "更多", action(() => this.openMenu())),
          iconButton("close", "web-close", "关闭网页", () => this.close())),
      }),
      el("form", { class: "address", on: { submit } }, this.address,
        el("button", { type: "submit", class: "address-go", testid: "web-go" }, "打开"),
        el("button", { type: "button", class: "address-go", testid: "web-reload", "aria-label": "刷新", on: { click: () => this.reload() } }, icon("reload"))),
      this.holder);
  }

  show(page) {
    this.page = page;
    this.address.value = page.url;
    this.root.querySelector("[data-testid=screen-title]").textContent = page.title || "网页";
  }

  open(url) {
    if (!isWebAddress(url)) return toast("网址要以 http:// 或 https:// 开头", { bad: true });
    this.depth = 0;
    this.frame = el("iframe", { class: "web-frame", title: "网页内容", testid: "web-frame", src: url, on: { load: () => this.loaded() } });
    this.holder.replaceChildren(this.frame);
    return this.show(freshPage(url));
  }

  loaded() {
    this.depth += this.isSteppingBack ? -1 : 1;
    this.isSteppingBack = false;
    if (!this.hasSpoken) this.page = freshPage(this.page.url);
    this.hasSpoken = false;
    this.loads += 1;
    this.holder.dataset.loads = String(this.loads);
  }

  close() {
    location.hash = `#/${this.from}`;
  }

  back() {
    if (this.depth <= 1) return this.close();
    this.isSteppingBack = true;
    return history.back();
  }

  // A page without jssdk.js cannot be told to reload: its first address is opened anew.
  reload() {
    if (this.page.announced) this.frame.contentWindow.postMessage({ sim: "wx", kind: "reload" }, new URL(this.page.url).origin);
    else if (this.page.url) this.open(this.page.url);
  }

  async openMenu() {
    const { page } = this;
    const choice = await choose({ title: page.title || page.url || "网页", choices: menuChoices(page), testid: "web-menu" });
    if (choice === "reload") this.reload();
    else if (choice === "window") window.open(page.url, "_blank", "noopener");
    else if (choice) {
      const data = page.share[choice] || {};
      rememberShare({ title: data.title || page.title, desc: data.desc, link: data.link || page.url, to: choice });
      toast("已分享，可在“好友分享”里换一个用户打开");
    }
  }

  announced({ url, title, isNew }) {
    if (isNew) this.hasSpoken = true;
    else this.isSteppingBack = false; // the same document: no load follows
    this.show({ ...(isNew ? freshPage(url) : this.page), url, title, announced: true });
  }

  hear(event) {
    if (event.data?.sim !== "wx" || event.source !== this.frame?.contentWindow) return;
    if (event.data.kind === "page") this.announced(event.data);
    if (event.data.kind === "config-failed") toast(`JS-SDK 签名没有通过：${event.data.errMsg}`, { bad: true });
    if (event.data.kind === "call") answerPage({ event, page: this.page, close: () => this.close() });
  }
}

export function webScreen(root, { search }) {
  const view = new WebView(root, { from: search.get("from") || "" });
  const listen = (event) => view.hear(event);
  window.addEventListener("message", listen);
  view.draw();
  const start = search.get("url");
  if (start) view.open(start);
  return () => window.removeEventListener("message", listen);
}
