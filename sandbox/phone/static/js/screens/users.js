// Whose phone is this? Pick a user of the sandbox or make a new one.
import { avatar, cell, el, emptyNote, navBar } from "../dom.js";
import { get, post } from "../control.js";
import { action, showError, toast } from "../overlay.js";
import { become, state } from "../phone-state.js";

async function pick(id) {
  await become(id);
  location.hash = "#/";
  if (document.getElementById("screen").dataset.screen === "users") window.dispatchEvent(new HashChangeEvent("hashchange"));
}

// Control API and WeChat alike speak of phone numbers with their country code.
function fullPhone(text) {
  const digits = text.replace(/[\s-]/g, "");
  return /^1\d{10}$/.test(digits) ? `+86${digits}` : digits;
}

function newUserForm() {
  const nickname = el("input", { name: "nickname", id: "new-nickname", testid: "new-nickname", maxlength: 32, autocomplete: "off", placeholder: "例如：小林" });
  const phone = el("input", { name: "phone", id: "new-phone", testid: "new-phone", type: "tel", maxlength: 20, autocomplete: "off", placeholder: "可不填，随机生成" });
  const unionless = el("input", { type: "checkbox", id: "new-no-unionid", testid: "new-no-unionid" });
  const create = async () => {
    const wish = {};
    if (nickname.value.trim()) wish.nickname = nickname.value.trim();
    if (phone.value.trim()) wish.phone = fullPhone(phone.value.trim());
    if (unionless.checked) wish.unionid = false;
    const user = await post("/_sim/users", wish);
    await pick(user.id);
    toast(`这部手机现在是“${user.nickname}”的`);
  };
  const submit = el("button", { type: "submit", class: "button primary", id: "create-user", testid: "create-user" }, "创建并使用");
  return el("form", { class: "card form", on: { submit: action(create) } },
    el("h2", { class: "form-title" }, "新用户"),
    el("label", { for: "new-nickname" }, "微信昵称"), nickname,
    el("label", { for: "new-phone" }, "手机号"), phone,
    el("label", { class: "check" }, unionless, "没有 unionid（账号未绑定开放平台）"),
    submit);
}

async function fill(list) {
  const users = await get("/_sim/users");
  list.replaceChildren(...users.map((user) => cell({
    testid: `user-${user.id}`, lead: avatar(user.nickname), title: user.nickname, note: user.phone || "没有手机号",
    value: state.user?.id === user.id ? "当前" : "", onClick: action(() => pick(user.id)),
  })));
  if (!users.length) list.append(emptyNote("还没有用户，先创建一个"));
}

export function usersScreen(root) {
  const list = el("div", { class: "cells", testid: "user-list" });
  root.append(
    navBar({ title: "选择微信用户", back: state.user ? "#/me" : undefined }),
    el("main", { class: "scroll" },
      newUserForm(),
      el("h2", { class: "group-title" }, "已有用户"),
      list));
  fill(list).catch(showError);
}
