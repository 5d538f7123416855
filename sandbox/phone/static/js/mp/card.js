// The rotating member code (会员码): drawn by the backend, renewed before it ends.
import { el } from "../dom.js";
import { now } from "../clock.js";
import { showError } from "../overlay.js";

const TICK_MS = 1000;

// As an image the drawing can run no script.
const picture = (svg) => el("img", { class: "member-code-qr", testid: "member-code-qr", alt: "会员码二维码", src: `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}` });

const secondsLeft = (validUntil) => Math.ceil((new Date(validUntil) - now()) / 1000);

export async function cardPage(mp) {
  const holder = el("section", { class: "card member-code", testid: "member-code-card" });
  let validUntil;
  const load = async () => {
    const answer = await mp.get("/member-code");
    validUntil = answer.valid_until;
    holder.replaceChildren(
      picture(answer.qr_svg),
      el("p", { class: "member-code-digits", testid: "member-code" }, answer.display || answer.code),
      el("p", { class: "hint" }, "结账时请店员扫码或报出数字，", el("span", { testid: "member-code-left" }, String(secondsLeft(validUntil))), " 秒后自动更换"));
  };
  await load();
  const tick = async () => {
    const left = secondsLeft(validUntil);
    const note = holder.querySelector("[data-testid=member-code-left]");
    if (note) note.textContent = String(Math.max(0, left));
    if (left <= 0) await load();
  };
  const loop = () => setTimeout(async () => {
    if (!holder.isConnected) return;
    await tick().catch(showError);
    loop();
  }, TICK_MS);
  loop();
  return [holder];
}
