// The mini program's own code that speaks to its backend: wx.login once, then
// wx.request with the session token. The sandbox relays wx.request, since a
// mini program knows no cross-origin rules.
import { post } from "../control.js";
import { account, state, userPath } from "../phone-state.js";

const PREFIX = "/miniprogram/v1";

// What the backend answered with, in the words it chose for people.
export class BackendError extends Error {
  constructor(status, body) {
    super(body?.error?.message || `服务器没有正常回应（HTTP ${status}）`);
    this.isForPeople = true;
    this.status = status;
    this.code = body?.error?.code;
    this.details = body?.error?.details;
  }
}

// randomUUID exists only on secure origins; the phone may be opened by address.
export function freshKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

const parse = (body) => {
  if (typeof body !== "string") return body;
  try {
    return JSON.parse(body);
  } catch {
    return null;
  }
};

export function createClient(appid) {
  const tokenKey = `sim.token.${state.user.openids[appid]}`;
  const base = account(appid).request_base;
  let loggingIn = null;

  async function wxRequest({ method, path, body, key, token }) {
    const headers = { "Content-Type": "application/json" };
    if (token) headers.Authorization = `Bearer ${token}`;
    if (key) headers["Idempotency-Key"] = key;
    const answer = await post("/_sim/mp/request", {
      url: `${base}${PREFIX}${path}`, method, headers, body: body === undefined ? undefined : JSON.stringify(body),
    });
    const parsed = parse(answer.body);
    if (answer.status >= 400) throw new BackendError(answer.status, parsed);
    return parsed;
  }

  const wxLogin = async () => (await post(userPath("/mp/login"), { appid })).code;

  async function login() {
    const code = await wxLogin();
    const session = await wxRequest({ method: "POST", path: "/sessions", body: { appid, code } });
    sessionStorage.setItem(tokenKey, session.token);
    return session.token;
  }

  // Pages that open together share one wx.login.
  function loginOnce() {
    loggingIn ??= login().finally(() => { loggingIn = null; });
    return loggingIn;
  }

  async function request(method, path, { body, key } = {}) {
    const token = sessionStorage.getItem(tokenKey) || await loginOnce();
    try {
      return await wxRequest({ method, path, body, key, token });
    } catch (error) {
      if (error.status !== 401) throw error;
      sessionStorage.removeItem(tokenKey); // expired or revoked: log in again, once
      return wxRequest({ method, path, body, key, token: await loginOnce() });
    }
  }

  return {
    appid,
    // WeChat answers some questions only about people who are here now.
    visit: wxLogin,
    get: (path) => request("GET", path),
    post: (path, body = {}, key = freshKey()) => request("POST", path, { body, key }),
    phoneCode: async () => (await post(userPath("/mp/phone"), { appid })).code,
    logOut: () => sessionStorage.removeItem(tokenKey),
  };
}
