/* The board: cards move at once, are saved behind, and go back where they were when that fails.
   Mouse and menu are here; fingers in board-touch.js. */
"use strict";
(() => {
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
