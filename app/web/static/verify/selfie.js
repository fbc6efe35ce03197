// The selfie step: shows the server's challenge in its own time and records about eight frames a second beside it.
// The preview is a mirror; what is recorded and sent is not.

import { CameraProblem, openCamera, snapshot } from "./camera.js";

const SIDE = 640;
const QUALITY = 0.86;
const FRAME_EVERY_MS = 122;
const MAX_FRAMES = 80;
const MIN_FRAMES = 24;
const WORDS = {
  left: ["Left", "Turn your head to the left"],
  right: ["Right", "Turn your head to the right"],
  up: ["Up", "Tilt your head up"],
  down: ["Down", "Tilt your head down"],
};
const byId = (id) => document.getElementById(id);
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export function selfieStep({ challenge, send, fail, clear }) {
  const [intro, live, stage, video] = ["selfie-intro", "selfie-live", "selfie-stage", "selfie-video"].map(byId);
  const [arrow, cue, countdown, progress] = ["selfie-arrow", "selfie-cue", "selfie-countdown", "selfie-progress"].map(byId);
  const [movements, start] = ["selfie-movements", "selfie-start"].map(byId);
  let camera = null;
  let interrupted = false;

  function say(text) {
    if (cue.textContent !== text) cue.textContent = text;
  }

  function reset() {
    stage.classList.remove("is-recording");
    arrow.hidden = countdown.hidden = movements.hidden = true;
    start.hidden = false;
    say("Place your face in the oval.");
  }

  function close() {
    camera?.close();
    camera = null;
    live.hidden = true;
    intro.hidden = false;
    reset();
  }

  async function open() {
    clear();
    try {
      intro.hidden = true;
      live.hidden = false;
      reset();
      start.disabled = true;
      camera = await openCamera(video, { facing: "user", width: 640, height: 480 });
      camera.onEnded(() => { interrupted = true; });
      start.disabled = false;
      start.focus();
    } catch (error) {
      close();
      fail(error);
    }
  }

  async function perform() {
    clear();
    start.hidden = true;
    try {
      const asked = await challenge();
      list(asked.steps);
      await countDown();
      const frames = await record(asked);
      if (frames.length < MIN_FRAMES) {
        throw new CameraProblem("The camera was too slow. Close other programs, or use another device, and try again.");
      }
      say("Thank you. Sending…");
      await send(asked.nonce, frames);
      close();
    } catch (error) {
      if (error instanceof CameraProblem) close();
      else reset();
      fail(error);
    }
  }

  function list(steps) {
    movements.replaceChildren(...steps.map(({ direction }) => {
      const item = document.createElement("li");
      item.textContent = WORDS[direction][0];
      return item;
    }));
    movements.hidden = false;
  }

  async function countDown() {
    say(`Look straight ahead. Then: ${[...movements.children].map((item) => item.textContent.toLowerCase()).join(", ")}.`);
    countdown.hidden = false;
    for (const number of [3, 2, 1]) {
      countdown.textContent = number;
      await wait(1000);
    }
    countdown.hidden = true;
  }

  // Resolves with the frames, each with its milliseconds since the challenge began.
  function record({ steps, duration_ms: duration }) {
    interrupted = false;
    stage.classList.add("is-recording");
    const began = performance.now();
    const frames = [];
    let last = -Infinity;

    function keep() {
      const atMs = Math.round(performance.now() - began);
      if (atMs - last < FRAME_EVERY_MS || frames.length >= MAX_FRAMES || atMs > duration) return;
      last = atMs;
      frames.push({ atMs, picture: snapshot(video, video.videoWidth, video.videoHeight, SIDE, QUALITY) });
    }

    return new Promise((resolve, reject) => {
      // Only frames that are new: one that is grabbed twice would look like a frozen picture.
      const next = video.requestVideoFrameCallback
        ? () => video.requestVideoFrameCallback(() => { keep(); if (!interrupted) next(); })
        : () => setTimeout(() => { keep(); if (!interrupted) next(); }, FRAME_EVERY_MS);
      next();
      const clock = setInterval(() => {
        const now = performance.now() - began;
        if (interrupted || document.hidden) {
          clearInterval(clock);
          interrupted = true;
          reject(new CameraProblem("The recording was interrupted. Keep this page in view and try again."));
        } else if (now >= duration) {
          clearInterval(clock);
          interrupted = true;
          Promise.all(frames.map(async ({ atMs, picture }) => ({ atMs, picture: await picture }))).then(resolve, reject);
        } else {
          show(now, steps, duration);
        }
      }, 40);
    });
  }

  function show(now, steps, duration) {
    progress.setAttribute("stroke-dashoffset", String(100 - (100 * now) / duration));
    const current = steps.findIndex((step) => now >= step.start_ms && now < step.end_ms);
    [...movements.children].forEach((item, index) => {
      item.classList.toggle("is-now", index === current);
      item.classList.toggle("is-done", now >= steps[index].end_ms);
    });
    arrow.hidden = current < 0;
    if (current >= 0) arrow.dataset.direction = steps[current].direction;
    say(current < 0 ? "Look straight ahead" : WORDS[steps[current].direction][1]);
  }

  byId("selfie-camera").addEventListener("click", open);
  start.addEventListener("click", perform);

  return { enter: close, leave: close };
}
