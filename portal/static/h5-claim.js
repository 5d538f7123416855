// Claims a coupon in a rush: counts down by the server's time, sends the form once, and where the server is busy waits
// as long as it was told and longer each time. Nothing is asked before claiming opens, and nothing after an answer.
(() => {
  "use strict";

  const form = document.querySelector("form[data-claim]");
  if (!form) return;
  const button = form.querySelector("button");
  const countdown = form.querySelector("[data-countdown]");
  const word = form.querySelector("[data-word]");
  const TRIES = 8, LEAST_MS = 2000, MOST_MS = 30000;
  const BUSY = new Set([429, 502, 503, 504]);

  const digits = (number) => String(number).padStart(2, "0");

  function remaining(ms) {
    const seconds = Math.ceil(ms / 1000), days = Math.floor(seconds / 86400);
    const clock = [Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60, seconds % 60].map(digits).join(":");
    return days ? `${days} 天 ${clock}` : clock;
  }

  function countDown(ms) {
    // By the phone's steady clock: its time of day may be wrong.
    const opensAt = performance.now() + ms;
    button.disabled = true;
    (function tick() {
      const left = opensAt - performance.now();
      countdown.textContent = left > 0 ? `距开始 ${remaining(left)}` : "";
      if (left > 0) setTimeout(tick, left % 1000 || 1000);
      else button.disabled = false;
    })();
  }

  function waitAndAsk(number, seconds) {
    if (number >= TRIES) {
      word.textContent = "排队的人太多了，请过一会儿再试";
      button.disabled = false;
      return;
    }
    word.textContent = "排队中，请勿刷新";
    const least = Math.max(seconds * 1000, Math.min(MOST_MS, LEAST_MS * 2 ** number));
    setTimeout(ask, least * (1 + Math.random() * 0.3), number + 1);
  }

  async function ask(number) {
    let answer, told = {};
    try {
      answer = await fetch(form.action, {
        method: "POST", body: new FormData(form), headers: { Accept: "application/json" }, redirect: "manual",
      });
      if ((answer.headers.get("Content-Type") || "").startsWith("application/json")) told = await answer.json();
    } catch {
      return waitAndAsk(number, 0);
    }
    if (answer.type === "opaqueredirect") return location.reload(); // the session is over: log in again
    if (told.location) return location.replace(told.location);
    if (!told.message && BUSY.has(answer.status)) return waitAndAsk(number, Number(answer.headers.get("Retry-After")) || 0);
    word.textContent = told.message || "没有领取成功，请返回后重新打开本页";
    if ("opens_in_ms" in told) countDown(told.opens_in_ms);
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (button.disabled) return;
    button.disabled = true;
    word.textContent = "领取中…";
    ask(0);
  });
  // Back from another page as it was left: what it shows is old.
  addEventListener("pageshow", (event) => event.persisted && location.reload());
  if (form.dataset.opensInMs) countDown(Number(form.dataset.opensInMs));
})();
