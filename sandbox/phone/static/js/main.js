// Starts the phone and shows the screen that the address names (#/chat/<appid>).
import { startClock } from "./clock.js";
import { closeAll, showError } from "./overlay.js";
import { boot, state } from "./phone-state.js";
import { chatScreen } from "./screens/chat.js";
import { chatsScreen, discoverScreen, meScreen } from "./screens/home.js";
import { miniProgramScreen } from "./mp/runtime.js";
import { noticesScreen, smsScreen } from "./screens/inboxes.js";
import { scanScreen } from "./screens/scan.js";
import { sharesScreen } from "./screens/shares.js";
import { usersScreen } from "./screens/users.js";
import { walletScreen } from "./screens/wallet.js";
import { webScreen } from "./screens/web.js";

const SCREENS = {
  "": chatsScreen, discover: discoverScreen, me: meScreen, users: usersScreen, chat: chatScreen,
  notices: noticesScreen, sms: smsScreen, scan: scanScreen, shares: sharesScreen, web: webScreen, wallet: walletScreen, mp: miniProgramScreen,
};

let leave = () => {};

function address() {
  const [path, search = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const [name, ...rest] = path.split("/").map(decodeURIComponent);
  return { name, rest, search: new URLSearchParams(search) };
}

// A screen fills `root` and returns what to do when the person leaves it.
function show() {
  leave();
  leave = () => {};
  closeAll();
  const { name, rest, search } = address();
  const screen = state.user ? SCREENS[name] || chatsScreen : usersScreen;
  const root = document.getElementById("screen");
  root.replaceChildren();
  root.dataset.screen = state.user ? name || "chats" : "users";
  try {
    leave = screen(root, { rest, search }) || leave;
  } catch (error) {
    showError(error);
  }
}

async function start() {
  try {
    await boot();
    await startClock();
  } catch (error) {
    showError(error);
    return;
  }
  window.addEventListener("hashchange", show);
  show();
  document.body.dataset.ready = "true";
}

start();
