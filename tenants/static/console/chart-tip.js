/* What a bar or point stands for, beside the pointer or the focused bar: the text of `data-tip`. */
"use strict";
(() => {
  if (!document.querySelector("[data-tip]") && !document.querySelector("[hx-get], [hx-sse\\:connect]")) return;
  const tip = Object.assign(document.createElement("div"), { className: "tip" });
  tip.setAttribute("aria-hidden", "true"); // the same words are the bar's accessible name
  document.body.append(tip);
  const show = (text, x, y) => {
    tip.textContent = text;
    const box = tip.getBoundingClientRect();
    tip.style.left = `${Math.max(8, Math.min(x + 12, innerWidth - box.width - 8))}px`;
    tip.style.top = `${Math.max(8, y - box.height - 10)}px`;
    tip.classList.add("is-shown");
  };
  const hide = () => tip.classList.remove("is-shown");
  document.addEventListener("pointermove", (event) => {
    const target = event.target.closest?.("[data-tip]");
    if (target) show(target.dataset.tip, event.clientX, event.clientY);
    else hide();
  });
  document.addEventListener("focusin", (event) => {
    const target = event.target.closest?.("[data-tip]");
    if (!target) return;
    const box = target.getBoundingClientRect();
    show(target.dataset.tip, box.left + box.width / 2, box.top + 20);
  });
  document.addEventListener("focusout", hide);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") hide();
  });
})();
