/* A list or board that refreshes itself leaves a person alone who is choosing, carrying or typing. */
"use strict";
(() => {
  // More cards than a column begins with: a refresh would take them away again.
  const GROWN = ".board-cards > .task-card:nth-of-type(31)";
  const BUSY = `.cell-check input:checked, .is-lifted, [popover]:popover-open, ${GROWN}`;
  const isBusy = (region) =>
    region.querySelector(BUSY) !== null ||
    region.contains(document.activeElement?.closest("input, select, textarea, [popover]"));
  document.addEventListener("htmx:before:request", (event) => {
    const { sourceElement, sourceEvent } = event.detail?.ctx ?? {};
    const isPoll = sourceElement?.id === "task-rows" && sourceEvent?.type !== "toast:undone";
    if (isPoll && isBusy(sourceElement)) event.preventDefault();
  });
  // A form in a popover has done its work when it is sent.
  document.addEventListener("submit", (event) => {
    event.target.closest?.("[popover]")?.hidePopover();
    event.submitter?.closest?.("[popover]")?.hidePopover();
  });
})();
