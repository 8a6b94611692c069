/* The board: cards move at once, are saved behind, and go back where they were when that fails. */
"use strict";
(() => {
  const LONG_PRESS_MS = 260;
  const SLIP_PX = 8;
  const EDGE_PX = 48;

  class TaskBoard extends HTMLElement {
    connectedCallback() {
      this.menu = this.querySelector("#move-menu");
      if (!this.menu) return;
      this.addEventListener("dragstart", this);
      this.addEventListener("dragover", this);
      this.addEventListener("drop", this);
      this.addEventListener("dragend", this);
      this.addEventListener("click", this);
      this.addEventListener("keydown", this);
      this.addEventListener("pointerdown", this);
      this.menu.addEventListener("submit", this);
    }

    handleEvent(event) {
      this[`on${event.type}`](event);
    }

    // --- mouse: the platform's own drag
    ondragstart(event) {
      const card = event.target.closest?.(".task-card");
      if (!card) return;
      this.lifted = card;
      event.dataTransfer.effectAllowed = "move";
      event.dataTransfer.setData("text/plain", card.dataset.key);
      card.classList.add("is-lifted");
    }

    ondragover(event) {
      const column = this.lifted && event.target.closest?.(".board-column");
      this.mark(column);
      if (column) event.preventDefault();
    }

    ondrop(event) {
      const column = this.lifted && event.target.closest?.(".board-column");
      if (!column) return;
      event.preventDefault();
      this.move(this.lifted, column, this.cardBelow(column, event.clientY));
    }

    ondragend() {
      this.lifted?.classList.remove("is-lifted");
      this.lifted = null;
      this.mark(null);
    }

    // --- touch: press long, then the card follows the finger
    onpointerdown(event) {
      const card = event.target.closest?.(".task-card");
      if (event.pointerType === "mouse" || !card || event.target.closest("[data-move-menu]")) return;
      const start = { x: event.clientX, y: event.clientY };
      const box = card.getBoundingClientRect();
      let ghost = null;
      const lift = () => {
        ghost = card.cloneNode(true);
        ghost.removeAttribute("id");
        ghost.classList.add("is-ghost");
        ghost.style.inlineSize = `${box.width}px`;
        document.body.append(ghost);
        card.classList.add("is-lifted");
        place(start);
        navigator.vibrate?.(8);
      };
      const place = ({ x, y }) => {
        ghost.style.left = `${box.left + x - start.x}px`;
        ghost.style.top = `${box.top + y - start.y}px`;
        this.mark(this.columnAt(x, y));
        const edges = this.getBoundingClientRect();
        if (x > edges.right - EDGE_PX) this.scrollBy(12, 0);
        if (x < edges.left + EDGE_PX) this.scrollBy(-12, 0);
      };
      const timer = setTimeout(lift, LONG_PRESS_MS);
      const follow = (touch) => {
        const point = touch.touches[0];
        const at = { x: point.clientX, y: point.clientY };
        if (ghost) {
          touch.preventDefault(); // the board must not scroll under the finger
          place(at);
        } else if (Math.hypot(at.x - start.x, at.y - start.y) > SLIP_PX) {
          stop();
        }
      };
      const stop = () => {
        clearTimeout(timer);
        this.removeEventListener("touchmove", follow);
        this.removeEventListener("touchend", finish);
        this.removeEventListener("touchcancel", stop);
        this.removeEventListener("contextmenu", still);
        ghost?.remove();
        card.classList.remove("is-lifted");
        this.mark(null);
      };
      const finish = (touch) => {
        const wasLifted = ghost !== null;
        const { clientX, clientY } = touch.changedTouches[0];
        stop();
        if (!wasLifted) return;
        touch.preventDefault(); // no click: the card was carried, not tapped
        const column = this.columnAt(clientX, clientY);
        if (column) this.move(card, column, this.cardBelow(column, clientY));
      };
      const still = (menu) => menu.preventDefault();
      this.addEventListener("touchmove", follow, { passive: false });
      this.addEventListener("touchend", finish);
      this.addEventListener("touchcancel", stop);
      this.addEventListener("contextmenu", still);
    }

    // --- menu: the way for keyboards, switches and single pointers
    onclick(event) {
      const button = event.target.closest?.("[data-move-menu]");
      if (!button) return;
      event.preventDefault();
      this.open(button);
    }

    onkeydown(event) {
      const button = event.target.closest?.("[data-move-menu]");
      if (!button || event.key !== " ") return;
      event.preventDefault();
      this.open(button);
    }

    open(button) {
      this.chosen = button.closest(".task-card");
      const here = button.closest(".board-column").dataset.status;
      this.menu.action = this.chosen.dataset.moveUrl;
      for (const each of this.menu.querySelectorAll("button")) each.hidden = each.value === here;
      this.menu.showPopover();
      const from = button.getBoundingClientRect();
      const size = this.menu.getBoundingClientRect();
      const left = Math.max(8, Math.min(from.right - size.width, innerWidth - size.width - 8));
      const fits = from.bottom + size.height + 8 < innerHeight;
      this.menu.style.left = `${left}px`;
      this.menu.style.top = `${fits ? from.bottom + 4 : Math.max(8, from.top - size.height - 4)}px`;
      this.menu.querySelector("button:not([hidden])").focus();
    }

    onsubmit(event) {
      event.preventDefault();
      this.menu.hidePopover();
      const status = event.submitter.value;
      const column = this.querySelector(`.board-column[data-status="${CSS.escape(status)}"]`);
      this.move(this.chosen, column, column?.querySelector(".task-card") ?? null, status);
      this.chosen.querySelector("[data-move-menu]")?.focus();
    }

    // --- moving
    columnAt(x, y) {
      return document.elementFromPoint(x, y)?.closest(".board-column") ?? null;
    }

    cardBelow(column, y) {
      const cards = [...column.querySelectorAll(".task-card:not(.is-lifted)")];
      return cards.find((card) => y < card.getBoundingClientRect().top + card.offsetHeight / 2) ?? null;
    }

    mark(column) {
      for (const each of this.querySelectorAll(".is-target")) {
        if (each !== column) each.classList.remove("is-target");
      }
      column?.classList.add("is-target");
    }

    count(column, change) {
      const shown = column?.querySelector("[data-count]");
      if (!shown) return;
      shown.dataset.count = Number(shown.dataset.count) + change;
      shown.textContent = shown.dataset.count;
    }

    async move(card, column, before, status = column.dataset.status) {
      const home = card.closest(".board-column");
      if (home === column) return;
      const next = card.nextElementSibling;
      const list = column?.querySelector(".board-cards");
      if (list) list.insertBefore(card, before ?? list.querySelector(".board-more"));
      else card.remove(); // a status without a column here
      this.count(home, -1);
      this.count(column, 1);
      const said = await this.save(card, status);
      if (said.ok) {
        const name = column?.dataset.label ?? status;
        const words = this.dataset.moved.replace("{key}", card.dataset.key).replace("{column}", name);
        document.querySelector("#announcer").textContent = words;
      } else {
        home.querySelector(".board-cards").insertBefore(card, next);
        this.count(home, 1);
        this.count(column, -1);
      }
      document.dispatchEvent(new CustomEvent("toast", { detail: said.toast }));
    }

    async save(card, status) {
      const body = new FormData(this.menu);
      body.set("status", status);
      const failed = { ok: false, toast: { text: this.dataset.failed } };
      try {
        const answer = await fetch(card.dataset.moveUrl, { method: "POST", body, headers: { "HX-Request": "true" } });
        const told = answer.headers.get("HX-Trigger");
        return told ? { ok: answer.ok, toast: JSON.parse(told).toast } : failed;
      } catch {
        return failed;
      }
    }
  }

  customElements.define("task-board", TaskBoard);
})();
