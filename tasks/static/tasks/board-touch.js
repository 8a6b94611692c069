/* The board under a finger: press a card long, then it follows; lifting the finger drops it. */
"use strict";
(() => {
  const LONG_PRESS_MS = 260;
  const SLIP_PX = 8;
  const EDGE_PX = 48;
  const SCROLL_STEP_PX = 12;

  const lift = (card, box) => {
    const ghost = card.cloneNode(true);
    ghost.removeAttribute("id");
    ghost.classList.add("is-ghost");
    ghost.style.inlineSize = `${box.width}px`;
    document.body.append(ghost);
    card.classList.add("is-lifted");
    navigator.vibrate?.(8);
    return ghost;
  };

  document.addEventListener("pointerdown", (event) => {
    const card = event.target.closest?.(".task-card[draggable]");
    const board = card?.closest("task-board");
    if (event.pointerType === "mouse" || !board || event.target.closest("[data-move-menu]")) return;
    const start = { x: event.clientX, y: event.clientY };
    const box = card.getBoundingClientRect();
    let ghost = null;

    const place = ({ x, y }) => {
      ghost.style.left = `${box.left + x - start.x}px`;
      ghost.style.top = `${box.top + y - start.y}px`;
      board.mark(board.columnAt(x, y));
      const edges = board.getBoundingClientRect();
      if (x > edges.right - EDGE_PX) board.scrollBy(SCROLL_STEP_PX, 0);
      if (x < edges.left + EDGE_PX) board.scrollBy(-SCROLL_STEP_PX, 0);
    };
    const timer = setTimeout(() => {
      ghost = lift(card, box);
      place(start);
    }, LONG_PRESS_MS);
    const follow = (touch) => {
      const at = { x: touch.touches[0].clientX, y: touch.touches[0].clientY };
      if (ghost) {
        touch.preventDefault(); // the board must not scroll under the finger
        place(at);
      } else if (Math.hypot(at.x - start.x, at.y - start.y) > SLIP_PX) {
        stop();
      }
    };
    const stop = () => {
      clearTimeout(timer);
      board.removeEventListener("touchmove", follow);
      board.removeEventListener("touchend", finish);
      board.removeEventListener("touchcancel", stop);
      board.removeEventListener("contextmenu", still);
      ghost?.remove();
      card.classList.remove("is-lifted");
      board.mark(null);
    };
    const finish = (touch) => {
      const wasLifted = ghost !== null;
      const { clientX, clientY } = touch.changedTouches[0];
      stop();
      if (!wasLifted) return;
      touch.preventDefault(); // no click: the card was carried, not tapped
      const column = board.columnAt(clientX, clientY);
      if (column) board.move(card, column, board.cardBelow(column, clientY));
    };
    const still = (menu) => menu.preventDefault();
    board.addEventListener("touchmove", follow, { passive: false });
    board.addEventListener("touchend", finish);
    board.addEventListener("touchcancel", stop);
    board.addEventListener("contextmenu", still);
  });
})();
