/* The command palette and the keyboard: Ctrl+K, "/", "?", g + letter, and the letters of actions. */
"use strict";
(() => {
  const JUMP_MS = 1200;
  const palette = document.getElementById("palette");
  if (!palette) return;
  const input = palette.querySelector('[role="combobox"]');
  const list = document.getElementById("palette-list");
  const nothing = palette.querySelector(".palette-nothing");
  const found = document.getElementById("palette-found");
  let at = 0;

  const options = () => [...list.querySelectorAll('[role="option"]:not([hidden])')];
  const mark = () => {
    const shown = options();
    at = Math.max(0, Math.min(at, shown.length - 1));
    shown.forEach((option, index) => option.setAttribute("aria-selected", String(index === at)));
    nothing.hidden = shown.length > 0;
    if (shown.length) input.setAttribute("aria-activedescendant", shown[at].id);
    else input.removeAttribute("aria-activedescendant");
    shown[at]?.scrollIntoView({ block: "nearest" });
  };
  const filter = () => {
    const words = input.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    for (const option of list.querySelectorAll('[role="option"]')) {
      if (found.contains(option)) continue;
      const text = option.textContent.toLowerCase();
      option.hidden = !words.every((word) => text.includes(word));
    }
    if (!words.length) found.replaceChildren();
    for (const group of list.querySelectorAll('[role="group"]')) {
      const caption = group.querySelector(".caption");
      if (caption) caption.hidden = !group.querySelector('[role="option"]:not([hidden])');
    }
    at = 0;
    mark();
  };
  const open = () => {
    if (palette.open || document.querySelector("dialog[open]")) return;
    input.value = "";
    filter();
    palette.showModal();
    input.focus();
  };
  const choose = (option) => {
    if (option.dataset.href) return location.assign(option.dataset.href);
    palette.close();
    if (option.dataset.post) {
      const form = document.getElementById("palette-form");
      form.action = option.dataset.post;
      return form.submit();
    }
    document.querySelector(option.dataset.press)?.click();
  };

  input.addEventListener("input", filter);
  found.addEventListener("htmx:after:swap", mark);
  new MutationObserver(mark).observe(found, { childList: true });
  palette.addEventListener("keydown", (event) => {
    const size = options().length;
    if (event.key === "ArrowDown" && size) at = (at + 1) % size;
    else if (event.key === "ArrowUp" && size) at = (at - 1 + size) % size;
    else if (event.key === "Enter" && size) {
      event.preventDefault();
      return choose(options()[at]);
    } else return;
    event.preventDefault();
    mark();
  });
  list.addEventListener("click", (event) => {
    const option = event.target.closest('[role="option"]');
    if (option) choose(option);
  });
  for (const button of document.querySelectorAll("[data-palette]")) button.addEventListener("click", open);

  const lettersAreOn = (event) =>
    document.body.dataset.shortcuts !== "off" &&
    !event.metaKey &&
    !event.ctrlKey &&
    !event.altKey &&
    !document.querySelector("dialog[open]") &&
    !event.target.closest?.("input, textarea, select, [contenteditable]");
  let jumpFrom = 0;
  document.addEventListener("keydown", (event) => {
    if ((event.metaKey || event.ctrlKey) && event.key.toLowerCase() === "k") {
      event.preventDefault();
      return open();
    }
    if (!lettersAreOn(event)) return;
    const key = event.key.toLowerCase();
    if (Date.now() - jumpFrom < JUMP_MS) {
      jumpFrom = 0;
      const target = list.querySelector(`[data-jump="${CSS.escape(key)}"]`);
      if (target) choose(target);
      return;
    }
    if (key === "g") {
      jumpFrom = Date.now();
    } else if (key === "/") {
      event.preventDefault();
      open();
    } else if (key === "?") {
      document.getElementById("shortcuts")?.showModal();
    } else {
      const action = list.querySelector(`[data-shortcut="${CSS.escape(key)}"]`);
      if (action) choose(action);
    }
  });
})();
