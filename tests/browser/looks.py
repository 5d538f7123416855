"""What a person would notice on a page, asked of the page itself."""

import re
from typing import Any

from playwright.sync_api import Page

# Words of WeChat and of the trade that Chinese staff use as they are, and names of the demo chain.
LATIN_THAT_IS_FINE = {
    "AppID", "OpenID", "UnionID", "OPENID", "UNIONID", "APPID", "KEY", "ID", "Microsoft", "Authenticator",
    "Kevin", "May", "Lulu", "hq_admin", "event_attended", "staff", "update", "member", "CSV", "XLSX", "UTF",
    "GBK", "MB",
}  # fmt: skip
WORD = re.compile(r"[A-Za-z][A-Za-z_]+")

_WIDER_THAN_THE_SCREEN = """() => {
  const inside = (node) => { // what scrolls by itself may be wider
    for (let up = node.parentElement; up; up = up.parentElement) {
      if (["auto", "scroll", "hidden"].includes(getComputedStyle(up).overflowX) && up !== document.body) return true;
    }
    return false;
  };
  const width = document.documentElement.clientWidth;
  const found = [...document.body.querySelectorAll("*")].filter((node) => {
    const box = node.getBoundingClientRect();
    const sticksOut = node.checkVisibility() && box.width && (box.right > width + 1 || box.left < -1);
    return sticksOut && !inside(node) && !node.closest(".skip-link, .only-read");
  });
  const page = document.documentElement.scrollWidth > width ? ["the page itself"] : [];
  return [...page, ...found.map((node) => node.outerHTML.slice(0, 120))];
}"""

_TEXTS = """() => {
  const shown = (node) => node.checkVisibility({ visibilityProperty: true });
  const texts = [document.title];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const { parentElement: parent, data } = walker.currentNode;
    if (!parent.closest("code, script, noscript, style") && shown(parent)) texts.push(data);
  }
  for (const node of document.body.querySelectorAll("[placeholder], [aria-label], [title], [alt]")) {
    if (!shown(node)) continue;
    for (const name of ["placeholder", "aria-label", "title", "alt"]) texts.push(node.getAttribute(name) || "");
  }
  // What a table that reads as cards puts before its lines.
  for (const cell of document.body.querySelectorAll("[data-label]")) if (shown(cell)) texts.push(cell.dataset.label);
  return texts;
}"""

_SMALL_TARGETS = """(least) => [...document.querySelectorAll(
  "main button, .tabs a, .weui-cell_access, .weui-btn, .back")]
  .filter((node) => node.checkVisibility())
  .filter((node) => node.getBoundingClientRect().height < least)
  .map((node) => node.outerHTML.slice(0, 120))"""

_FOCUS = """() => {
  const at = document.activeElement;
  if (!at || at === document.body) return null;
  const marked = (node) => {
    const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(node);
    return (outlineStyle !== "none" && parseFloat(outlineWidth) > 0) || boxShadow !== "none";
  };
  const isMarked = marked(at) || (at.parentElement.matches(":focus-within") && marked(at.parentElement));
  return { isMarked, html: at.outerHTML.slice(0, 120) };
}"""


def settle(page: Page) -> None:
    """Wait for what scripts bring after the page itself: a chart, or the word of WeChat's script."""
    if page.locator("[data-chart], [data-js-signature]").count():
        page.wait_for_load_state("networkidle")


def let_the_page_follow(page: Page) -> None:
    """Wait until a chart has followed the window: it hears of a new size when the next picture is drawn."""
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def too_wide(page: Page) -> list[str]:
    """What sticks out of the screen to the side."""
    _let_the_style_come(page)
    found: list[str] = page.evaluate(_WIDER_THAN_THE_SCREEN)
    return found


def english(page: Page) -> set[str]:
    """Latin words that a person reads, but for those that are fine; codes and addresses are set as code."""
    texts: list[str] = page.evaluate(_TEXTS)
    return {word for text in texts for word in WORD.findall(text)} - LATIN_THAT_IS_FINE


def small_targets(page: Page, *, least: int) -> list[str]:
    """What a thumb would miss."""
    _let_the_style_come(page)
    found: list[str] = page.evaluate(_SMALL_TARGETS, least)
    return found


def unmarked_focus(page: Page, *, steps: int) -> list[str]:
    """What takes the keyboard's focus without showing it; at least one thing must take it."""
    page.evaluate("() => document.activeElement.blur()")
    unmarked, taken = [], 0
    for _ in range(steps):
        page.keyboard.press("Tab")
        at: dict[str, Any] | None = page.evaluate(_FOCUS)
        taken += at is not None
        if at is not None and not at["isMarked"]:
            unmarked.append(at["html"])
    return unmarked if taken else ["nothing on the page takes the focus"]


def _let_the_style_come(page: Page) -> None:
    """Wait until all that the page itself asks for is there: before its style has come, everything has another size."""
    page.wait_for_load_state("load")
