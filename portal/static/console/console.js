// Small conveniences of the console; every page works without them.
(() => {
  "use strict";

  document.documentElement.classList.add("js");

  document.querySelectorAll("[data-toggle]").forEach((button) => {
    button.addEventListener("click", () => {
      const target = document.getElementById(button.dataset.toggle);
      const isOpen = target.classList.toggle("is-open");
      button.setAttribute("aria-expanded", String(isOpen));
    });
  });

  // A confirmation closes when another one opens, on Escape, and on a click beside it.
  const confirmations = () => document.querySelectorAll("details.confirm[open]");
  document.addEventListener("click", (event) => {
    confirmations().forEach((one) => {
      if (!one.contains(event.target)) one.open = false;
    });
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    confirmations().forEach((one) => {
      one.open = false;
      one.querySelector("summary").focus();
    });
  });

  // The menu editor shows the fields of a mini program only where one is chosen.
  document.addEventListener("change", (event) => {
    if (!event.target.matches("[data-menu-type]")) return;
    const slot = event.target.closest(".menu-slot");
    slot.classList.toggle("is-mini-program", event.target.value === "miniprogram");
  });

  // One box chooses all of its table.
  document.addEventListener("change", (event) => {
    const name = event.target.dataset.selectAll;
    if (!name) return;
    event.target.form.querySelectorAll(`input[name="${name}"]`).forEach((box) => {
      box.checked = event.target.checked;
    });
  });

  // On a phone a table reads as a list of cards, whose lines say what column they are; forms keep their columns,
  // but for those that open by themselves. What comes into the page later reads the same.
  function stack(table) {
    const fields = [...table.querySelectorAll("tbody :is(input:not([type=hidden]), select)")];
    if (fields.some((field) => !field.closest("details.confirm"))) return;
    const labels = [...table.querySelectorAll(":scope > thead th")].map((head) => head.textContent.trim());
    if (!labels.length) return;
    table.querySelectorAll(":scope > tbody > tr").forEach((row) => {
      let column = 0;
      [...row.cells].forEach((cell) => {
        cell.dataset.label = labels[column];
        column += cell.colSpan;
        cell.classList.toggle("is-empty", !cell.textContent.trim() && !cell.children.length);
      });
    });
    table.classList.add("stacks");
  }
  const stackIn = (part) => part.querySelectorAll(".table-responsive > .card-table").forEach(stack);
  stackIn(document);
  document.addEventListener("htmx:load", (event) => stackIn(event.detail.elt));

  // What is said of rows of a condition that are gone meanwhile is out of date, and newer word is on its way.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const rows = [...event.detail.serverResponse.matchAll(/id="(problem-[-\w]+)" hx-swap-oob/g)];
    if (rows.some(([, row]) => !document.getElementById(row))) event.detail.shouldSwap = false;
  });

  // One click sends a form once.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    const staysOnPage = "download" in form.dataset || form.hasAttribute("hx-post");
    if (form.method === "post" && !staysOnPage) form.dataset.sent = "true";
  });
  window.addEventListener("pageshow", () => {
    document.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent);
  });
})();
