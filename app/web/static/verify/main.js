// The capture page: which step is shown follows from the session's state on the server and from nothing else.

import { ApiProblem, createApi } from "./api.js";
import { CameraProblem } from "./camera.js";
import { documentStep } from "./document.js";
import { selfieStep } from "./selfie.js";

const POLL_MS = 900;
const ORDER = ["consent", "document", "selfie", "result"];
const byId = (id) => document.getElementById(id);
const root = byId("verify");
const sessionId = root.dataset.session;
const RESULTS = {
  approved: ["good", "✓", "You are verified", "Your identity has been confirmed. You can close this page and go back to where you came from."],
  declined: ["bad", "✕", "We could not verify you", "This check has ended without a confirmation."],
  in_review: ["wait", "…", "A person will look at it", "Your pictures are safe. Whoever sent you here will tell you the outcome; you can close this page."],
  expired: ["bad", "✕", "This check has expired", "Too much time has passed, and the pictures are deleted. Ask whoever sent you here for a new link."],
  canceled: ["bad", "✕", "This check was canceled", "Ask whoever sent you here if you did not expect this."],
};

// The secret leaves the address bar and the history at once; the tab alone remembers it, so that a reload works.
function takeSecret() {
  const key = `assay-verify-${sessionId}`;
  const given = location.hash.slice(1);
  if (given) {
    sessionStorage.setItem(key, given);
    history.replaceState(null, "", location.pathname);
  }
  return given || sessionStorage.getItem(key) || "";
}

const api = createApi(sessionId, takeSecret());
let shown = null;
let retrying = false;

function show(step) {
  if (shown === step) return;
  steps[shown]?.leave?.();
  shown = step;
  for (const section of root.querySelectorAll("[data-step]")) section.hidden = section.dataset.step !== step;
  steps[step]?.enter?.();
  const section = root.querySelector(`[data-step="${step}"]`);
  const heading = section.querySelector("h1");
  heading?.focus({ preventScroll: true });
  scrollTo({ top: 0 });
  if (heading?.textContent) document.title = `${heading.textContent} · Assay`;
  byId("withdraw").hidden = !["document", "selfie"].includes(step);
}

function strike(step, status) {
  const place = { opening: 0, consent: 0, document: 1, selfie: 2, working: 3, result: 3 }[step];
  root.querySelectorAll("[data-mark]").forEach((mark, index) => {
    const struck = index < place || status === "approved";
    mark.classList.toggle("is-struck", struck);
    if (index === place) mark.setAttribute("aria-current", "step");
    else mark.removeAttribute("aria-current");
    const name = mark.querySelector("span");
    name.dataset.name ??= name.textContent;
    mark.setAttribute("aria-label", struck ? `${name.dataset.name}, done` : name.dataset.name);
  });
}

function clear() {
  byId("problem").hidden = true;
}

function fail(error) {
  const text = {
    unauthorized: "This link is incomplete. Open it again exactly as it was sent to you.",
    session_not_found: "This link is wrong or no longer valid. Ask whoever sent it to you for a new one.",
    challenge_expired: "That took too long. Start again when you are ready.",
    too_many_challenges: "The movements have been asked for too often. Ask whoever sent you here for a new link.",
    body_too_large: "The picture is too large.",
    unsupported_media: "This file is not a JPEG or PNG photograph.",
    undecodable_image: "This picture is damaged. Take another one.",
    network: "The service could not be reached. Check your connection and try again.",
  }[error.code];
  const known = error instanceof ApiProblem || error instanceof CameraProblem;
  const paragraph = document.createElement("p");
  paragraph.textContent = text ?? (known && error.message ? error.message : "Something went wrong. Try again.");
  byId("problem").replaceChildren(paragraph);
  byId("problem").hidden = false;
  if (["session_expired", "session_state", "consent_required"].includes(error.code)) refresh();
}

function render(state) {
  if (state.status === "processing") {
    show("working");
    strike("working", state.status);
    setTimeout(refresh, POLL_MS);
  } else if (state.status !== "requires_input") {
    result(...RESULTS[state.status], state);
  } else if (state.last_error && !retrying) {
    const left = state.attempts_left === 1 ? "one more time" : `${state.attempts_left} more times`;
    result("wait", "!", "That did not work yet", `You can try ${left}.`, state);
  } else if (state.requirements.length > 0) {
    show(state.requirements[0]);
    strike(state.requirements[0], state.status);
  } else {
    api.submit().then(render, fail);
  }
}

function result(kind, sign, title, text, state) {
  byId("result-verdict").className = `verdict verdict--${kind}`;
  byId("result-mark").textContent = sign;
  byId("result-title").textContent = title;
  byId("result-text").textContent = text;
  byId("result-reason").hidden = !state.last_error || state.status === "approved";
  byId("result-reason").className = `note${kind === "bad" ? " note--bad" : ""}`;
  byId("result-reason").textContent = state.last_error?.reason ?? "";
  byId("result-actions").hidden = state.status !== "requires_input";
  show("result");
  strike("result", state.status);
}

async function refresh() {
  try {
    const state = await api.status();
    if (shown === "working") clear();
    render(state);
  } catch (error) {
    if (error.code === "network" && shown === "working") setTimeout(refresh, 4 * POLL_MS);
    else if (shown === null) opened(error);
    if (shown !== null) fail(error);
  }
}

// The session could not be opened at all: say so where the first step would have been.
function opened(error) {
  root.querySelector('[data-step="opening"]').hidden = true;
  fail(error);
}

const steps = {
  document: documentStep({ clear, fail, send: async (picture) => render(await api.document(picture)) }),
  selfie: selfieStep({
    clear,
    fail,
    challenge: async () => (await api.challenge()).challenge,
    send: async (nonce, frames) => {
      const state = await api.selfie(nonce, frames);
      if (state.requirements.length > 0) {
        render(state);
        return;
      }
      const submitted = await api.submit();
      retrying = false;
      render(submitted);
    },
  }),
};

byId("consent-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  clear();
  try {
    render(await api.consent(true));
  } catch (error) {
    fail(error);
  }
});
byId("result-retry").addEventListener("click", () => {
  retrying = true;
  clear();
  refresh();
});
byId("withdraw-button").addEventListener("click", async () => {
  clear();
  try {
    retrying = true;
    byId("consent-tick").checked = false;
    render(await api.consent(false));
  } catch (error) {
    fail(error);
  }
});

strike("opening", "");
refresh();
