/* A list that refreshes itself leaves a person alone who is choosing, typing or has a menu open. */
"use strict";
(() => {
  const isBusy = (region) =>
    region.querySelector('.cell-check input:checked, [popover]:popover-open, details[open]') !== null ||
    region.contains(document.activeElement?.closest("input, select, textarea"));
  document.addEventListener("htmx:before:request", (event) => {
    const source = event.detail?.ctx?.sourceElement;
    if (source?.id === "task-rows" && isBusy(source)) event.preventDefault();
  });
  // A form in a popover has done its work when it is sent.
  document.addEventListener("submit", (event) => {
    event.target.closest?.("[popover]")?.hidePopover();
    event.submitter?.closest?.("[popover]")?.hidePopover();
  });
})();
