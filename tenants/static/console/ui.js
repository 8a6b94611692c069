/* Behaviour every page shares: theme, dialogs, toasts with Undo, copying, bulk selection, announcements. */
"use strict";
(() => {
  const TOAST_MS = 7000;
  const ANNOUNCE_EVERY_MS = 10000;
  const YEAR_SECONDS = 31536000;
  const root = document.documentElement;
  const one = (selector, within = document) => within.querySelector(selector);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const on = (type, selector, act) =>
    document.addEventListener(type, (event) => {
      const element = event.target.closest?.(selector);
      if (element) act(element, event);
    });
  const remember = (name, value) => {
    document.cookie = `${name}=${value};path=/;max-age=${YEAR_SECONDS};samesite=lax`;
  };

  // --- theme: the server reads the cookie, so the next page is drawn right at once
  const isDark = () =>
    root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  on("click", "[data-theme-toggle]", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    remember("theme", root.dataset.theme);
  });
  on("change", "[data-shortcuts-switch]", (input) => {
    document.body.dataset.shortcuts = input.checked ? "on" : "off";
    remember("shortcuts", input.checked ? "on" : "off");
  });
  if (/Mac|iP(hone|ad)/.test(navigator.platform)) {
    for (const key of all("[data-mod-key]")) key.textContent = "⌘K";
  }

  // --- dialogs: the platform gives focus back when one closes
  on("click", "[data-open]", (button, event) => {
    event.preventDefault();
    button.closest("[popover]")?.hidePopover();
    one(button.dataset.open)?.showModal();
  });
  on("click", "[data-close]", (button) => button.closest("dialog")?.close());
  document.addEventListener("click", (event) => {
    if (event.target.nodeName === "DIALOG") event.target.close();
  });

  // --- toasts: they stay while pointed at or focused
  const toasts = one("#toasts");
  const start = (toast) => {
    let timer = 0;
    const run = () => {
      clearTimeout(timer);
      timer = setTimeout(() => toast.remove(), TOAST_MS);
    };
    const hold = () => clearTimeout(timer);
    toast.addEventListener("pointerenter", hold);
    toast.addEventListener("focusin", hold);
    toast.addEventListener("pointerleave", run);
    toast.addEventListener("focusout", run);
    run();
  };
  const show = ({ text, undo }) => {
    const template = one("#toast-template");
    if (!toasts || !template || !text) return;
    const toast = template.content.firstElementChild.cloneNode(true);
    one("span", toast).textContent = text;
    if (undo) one("form", toast).action = undo;
    else one("form", toast).remove();
    toasts.append(toast);
    start(toast);
  };
  all(".toast", toasts ?? document).forEach(start);
  document.addEventListener("toast", (event) => show(event.detail ?? {}));
  on("click", "[data-dismiss]", (button) => button.closest(".toast").remove());
  on("submit", "[data-undo]", async (form, event) => {
    event.preventDefault();
    const toast = form.closest(".toast");
    try {
      const answer = await fetch(form.action, {
        method: "POST",
        body: new FormData(form),
        headers: { "HX-Request": "true" },
      });
      toast.remove();
      if (!answer.ok) return show({ text: toasts.dataset.failed });
      show({ text: toasts.dataset.undone });
      if (!one('[hx-trigger*="toast:undone"]')) return location.reload();
      document.body.dispatchEvent(new CustomEvent("toast:undone"));
    } catch {
      show({ text: toasts.dataset.offline });
    }
  });
  document.addEventListener("htmx:response:error", (event) => {
    if (event.detail.ctx.response.status >= 500) show({ text: toasts.dataset.failed });
  });
  document.addEventListener("htmx:error", (event) => {
    // A poll that fails says nothing: the next one may succeed.
    const source = event.detail?.ctx?.sourceElement;
    if (source && !/every /.test(source.getAttribute("hx-trigger") ?? "")) show({ text: toasts.dataset.offline });
  });

  // --- a stream whose reader is signed out, or may not see it any more: the page says where they stand
  document.addEventListener("stream:over", () => location.reload());

  // --- copying
  on("click", "[data-copy]", async (button) => {
    const field = one(button.dataset.copy);
    field.select();
    try {
      await navigator.clipboard.writeText(field.value);
      show({ text: button.dataset.copied });
    } catch {
      field.focus(); // not allowed here: the text is selected, ready for the keyboard
    }
  });

  // --- selecting rows
  const count = (form) => {
    const boxes = all('.cell-check input[name="ids"]', form);
    const chosen = boxes.filter((box) => box.checked).length;
    const bar = one(`[data-bulk-bar="${CSS.escape(form.id)}"]`);
    if (bar) {
      bar.hidden = chosen === 0;
      one("[data-bulk-count]", bar).textContent = chosen;
    }
    const head = one("[data-select-all]", form);
    if (head) {
      head.checked = chosen > 0 && chosen === boxes.length;
      head.indeterminate = chosen > 0 && chosen < boxes.length;
    }
  };
  on("change", ".cell-check input", (box) => {
    const form = box.closest("form");
    if (!form) return;
    if ("selectAll" in box.dataset) {
      for (const each of all('.cell-check input[name="ids"]', form)) each.checked = box.checked;
    }
    count(form);
  });
  on("click", "[data-bulk-clear]", (button) => {
    const form = document.getElementById(button.closest("[data-bulk-bar]").dataset.bulkBar);
    for (const box of all(".cell-check input", form)) box.checked = false;
    count(form);
  });

  // --- after new content: logs follow their end, progress is spoken now and then, selections are counted again
  let spokenAt = 0;
  document.addEventListener("htmx:after:swap", () => {
    for (const log of all("[data-follow]:not(:hover):not(:focus)")) log.scrollTop = log.scrollHeight;
    for (const bar of all("[data-bulk-bar]")) {
      const form = document.getElementById(bar.dataset.bulkBar);
      if (form) count(form);
    }
    const news = one("[data-announce]");
    if (news && Date.now() - spokenAt > ANNOUNCE_EVERY_MS) {
      one("#announcer").textContent = news.dataset.announce;
      spokenAt = Date.now();
    }
  });
  for (const log of all("[data-follow]")) log.scrollTop = log.scrollHeight;
})();
