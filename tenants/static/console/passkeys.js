/* Passkeys: a form with data-passkey asks the browser for one ("get") or has it make one ("create"), then is sent. */
"use strict";
(() => {
  if (!window.PublicKeyCredential) return;
  const bytes = (text) => {
    const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    return Uint8Array.from(plain, (letter) => letter.codePointAt(0));
  };
  const text = (buffer) =>
    btoa(String.fromCodePoint(...new Uint8Array(buffer)))
      .replaceAll("+", "-")
      .replaceAll("/", "_")
      .replaceAll("=", "");
  const listed = (descriptors) => (descriptors ?? []).map((each) => ({ ...each, id: bytes(each.id) }));

  const make = async (options) => {
    const made = await navigator.credentials.create({
      publicKey: {
        ...options,
        challenge: bytes(options.challenge),
        user: { ...options.user, id: bytes(options.user.id) },
        excludeCredentials: listed(options.excludeCredentials),
      },
    });
    return {
      id: made.id,
      rawId: text(made.rawId),
      type: made.type,
      clientExtensionResults: {},
      response: {
        clientDataJSON: text(made.response.clientDataJSON),
        attestationObject: text(made.response.attestationObject),
      },
    };
  };

  const show = async (options) => {
    const shown = await navigator.credentials.get({
      publicKey: {
        ...options,
        challenge: bytes(options.challenge),
        allowCredentials: listed(options.allowCredentials),
      },
    });
    const { response } = shown;
    return {
      id: shown.id,
      rawId: text(shown.rawId),
      type: shown.type,
      clientExtensionResults: {},
      response: {
        clientDataJSON: text(response.clientDataJSON),
        authenticatorData: text(response.authenticatorData),
        signature: text(response.signature),
        ...(response.userHandle?.byteLength ? { userHandle: text(response.userHandle) } : {}),
      },
    };
  };

  // Under a domain of the company's own the passkeys of its canonical host count, where the browser can look that up.
  const canRelate = async () => {
    const able = await PublicKeyCredential.getClientCapabilities?.();
    return able?.relatedOrigins === true;
  };

  const ask = async (form) => {
    const isRelated = await canRelate().catch(() => false);
    if (!isRelated) return askOnce(form, false);
    try {
      return await askOnce(form, true);
    } catch (error) {
      // It could not be looked up: then the passkeys of this very host.
      if (error.name !== "SecurityError") throw error;
      return askOnce(form, false);
    }
  };

  const askOnce = async (form, isRelated) => {
    const answer = await fetch(form.dataset.options, {
      method: "POST",
      body: new URLSearchParams(isRelated ? { related: "1" } : {}),
      headers: { "X-CSRFToken": form.elements.csrfmiddlewaretoken.value, Accept: "application/json" },
    });
    if (answer.redirected) {
      location.assign(answer.url);
      return null;
    }
    if (!answer.ok) throw new Error(String(answer.status));
    const { publicKey } = await answer.json();
    return form.dataset.passkey === "create" ? make(publicKey) : show(publicKey);
  };

  for (const form of document.querySelectorAll("form[data-passkey]")) {
    const problem = form.querySelector("[data-passkey-problem]");
    const button = form.querySelector("button[type=submit]");
    form.hidden = false;
    form.addEventListener("submit", async (event) => {
      if (form.elements.credential.value) return;
      event.preventDefault();
      button.disabled = true;
      problem.hidden = true;
      try {
        const credential = await ask(form);
        if (!credential) return;
        form.elements.credential.value = JSON.stringify(credential);
        form.submit();
      } catch {
        problem.hidden = false;
        button.disabled = false;
      }
    });
  }
})();
