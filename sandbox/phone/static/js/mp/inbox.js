// The inbox (站内消息): what the backend keeps for the member even when no
// message could be sent.
import { el } from "../dom.js";
import { formatTime } from "../clock.js";
import { showError } from "../overlay.js";
import { pagedList } from "./points.js";

export async function inboxPage(mp) {
  const first = await mp.get("/inbox");
  const row = (message) => {
    const node = el("details", { class: "inbox-row", testid: "inbox-message", "data-read": message.read_at ? "true" : "false" },
      el("summary", {},
        message.read_at ? null : el("span", { class: "dot", "aria-label": "未读" }),
        el("span", { class: "cell-main" }, el("span", { class: "cell-title" }, message.title), el("span", { class: "cell-note" }, formatTime(message.created_at)))),
      el("p", { class: "inbox-body" }, message.body));
    node.addEventListener("toggle", () => {
      if (!node.open || node.dataset.read === "true") return;
      node.dataset.read = "true";
      node.querySelector(".dot")?.remove();
      mp.post(`/inbox/${message.id}/read`).catch(showError);
    });
    return node;
  };
  const load = (cursor) => mp.get(`/inbox?${new URLSearchParams({ cursor })}`);
  return pagedList({ first, load, row, empty: "还没有站内消息", testid: "inbox" });
}
