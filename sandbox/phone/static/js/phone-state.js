// What this phone knows: whose it is, the accounts of the world, and the
// messages that arrived. Screens subscribe with `watch` and read `state`.
import { get, post, query } from "./control.js";
import { showError } from "./overlay.js";

export const state = { user: null, config: null, messages: [], unread: new Set() };
const watchers = new Set();
const POLL_MS = 1500;
const SOON_MS = [150, 400, 800];
let pollTimer;
let lastProblem = "";

export const COOKIE = "sim_user";

const readCookie = () => document.cookie.split("; ").find((part) => part.startsWith(`${COOKIE}=`))?.slice(COOKIE.length + 1);

export function watch(notify) {
  watchers.add(notify);
  return () => watchers.delete(notify);
}

function changed() {
  for (const notify of watchers) notify();
}

export function account(appid) {
  return state.config.accounts.find((one) => one.appid === appid);
}

export const accounts = (kind) => state.config.accounts.filter((one) => one.kind === kind);
export const follows = (appid) => state.user.follows.includes(appid);
export const userPath = (rest = "") => `/_sim/users/${encodeURIComponent(state.user.id)}${rest}`;

export async function boot() {
  state.config = await get("/_sim/config");
  const id = readCookie();
  if (!id) return;
  try {
    await become(decodeURIComponent(id));
  } catch {
    forget(); // the sandbox was reset since this cookie was set
  }
}

export async function become(id) {
  state.user = await get(`/_sim/users/${encodeURIComponent(id)}`);
  document.cookie = `${COOKIE}=${encodeURIComponent(id)}; path=/; SameSite=Lax`;
  state.messages = [];
  state.unread = new Set();
  await loadMessages({ quiet: true });
  schedule();
}

export function forget() {
  state.user = null;
  state.messages = [];
  document.cookie = `${COOKIE}=; path=/; Max-Age=0; SameSite=Lax`;
  clearTimeout(pollTimer);
}

export async function reloadUser() {
  state.user = await get(userPath());
  changed();
}

// Which row of the chat list a message belongs to.
export function placeOf(message) {
  if (message.channel === "sms") return "sms";
  if (message.channel === "subscribe") return "notices";
  return message.appid;
}

export async function loadMessages({ quiet = false } = {}) {
  const user = state.user;
  const last = state.messages.at(-1)?.id ?? 0;
  const fresh = await get(userPath(`/messages?${query({ after: last, include: "sent" })}`));
  if (user.id !== state.user?.id) return; // the phone changed hands meanwhile
  const known = new Set(state.messages.map((one) => one.id));
  const added = fresh.filter((one) => !known.has(one.id));
  if (!added.length) return;
  state.messages.push(...added);
  if (!quiet) for (const one of added) if (one.channel !== "sent") state.unread.add(placeOf(one));
  changed();
}

export function markRead(place) {
  if (state.unread.delete(place)) changed();
}

async function poll() {
  try {
    if (state.user && !document.hidden) await loadMessages();
    lastProblem = "";
  } catch (error) {
    if (lastProblem !== error.message) showError(error);
    lastProblem = error.message;
  }
  schedule();
}

function schedule() {
  clearTimeout(pollTimer);
  pollTimer = setTimeout(poll, POLL_MS);
}

// Pushes go out in the background, as on a real phone; their answers are
// looked for soon, so that a reply does not wait for the next poll.
export async function act(path, body) {
  const answer = await post(userPath(path), { ...body, wait: false });
  for (const delay of SOON_MS) setTimeout(() => loadMessages().catch(() => {}), delay); // the poll tells of failures
  await loadMessages({ quiet: true });
  return answer;
}

export const messagesIn = (place) => state.messages.filter((one) => placeOf(one) === place);
export const latestIn = (place) => messagesIn(place).at(-1);
