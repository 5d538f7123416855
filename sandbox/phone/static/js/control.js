// Speaks to the sandbox's control API. Every failure becomes a SandboxError
// whose message can be shown to a person as it is.

import { inChinese } from "./refusals.js";

export class SandboxError extends Error {}

async function call(method, path, body) {
  let response;
  try {
    response = await fetch(path, {
      method,
      headers: body === undefined ? {} : { "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new SandboxError("连不上沙箱，请确认它还在运行");
  }
  const answer = await response.json().catch(() => null);
  if (response.ok && answer !== null) return answer;
  const reason = answer && typeof answer.error === "string" ? answer.error : `HTTP ${response.status}`;
  throw new SandboxError(inChinese(reason));
}

export const get = (path) => call("GET", path);
export const post = (path, body = {}) => call("POST", path, body);
export const patch = (path, body) => call("PATCH", path, body);

export const query = (values) => new URLSearchParams(values).toString();
