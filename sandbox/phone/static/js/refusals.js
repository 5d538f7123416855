// The control API refuses in English; this is what the phone says instead.
const WORDS = [
  [/^the QR code has expired$/, "二维码已过期"],
  [/^the link has expired$/, "链接已过期"],
  [/^no such QR code$/, "没有这个二维码"],
  [/^already follows this account$/, "已经关注了这个公众号"],
  [/^does not follow this account$/, "还没有关注这个公众号"],
  [/^only followers/, "关注公众号后才能这样做"],
  [/^the account has no menu$/, "公众号没有菜单"],
  [/^the menu has no such entry$/, "菜单已经更新，请重新进入会话"],
  [/^a text has 1 to (\d+) characters$/, "文字要在 1 到 $1 个字之间"],
  [/^the user has no phone number$/, "这个微信用户没有绑定手机号"],
  [/^phone must be/, "手机号格式不对，例如 13800000001 或 +85251234567"],
  [/^url not in domain list$/, "请求的地址不在小程序的 request 合法域名里"],
  [/^request:fail \w*Timeout$/, "小程序的服务器没有及时回应"],
  [/^request:fail/, "连不上小程序的服务器"],
  [/^the clock moves by twenty years at most$/, "时间最多移动二十年"],
  [/must hold an integer number of seconds$/, "时间偏移文件里不是整数，请检查"],
  [/^no user /, "这个用户已经不在沙箱里了，请重新选择"],
];

// Where WeChat itself speaks Chinese, so does the control API.
const CHINESE = /[\u4e00-\u9fff]/;

export function inChinese(reason) {
  if (CHINESE.test(reason)) return reason;
  const found = WORDS.find(([pattern]) => pattern.test(reason));
  return found ? found[1].replace("$1", reason.match(found[0])[1]) : `沙箱没有接受这个操作：${reason}`;
}
