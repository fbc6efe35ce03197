// The document step: the camera or a file, a look at the picture, then sending it.

import { CameraProblem, openCamera, snapshot } from "./camera.js";

const SIDE = 2400;
const QUALITY = 0.92;
const byId = (id) => document.getElementById(id);

export function documentStep({ send, fail, clear }) {
  const [ways, live, preview] = ["document-ways", "document-live", "document-preview"].map(byId);
  const video = byId("document-video");
  const image = byId("document-image");
  let camera = null;
  let picture = null;

  function show(part) {
    for (const element of [ways, live, preview]) element.hidden = element !== part;
    if (part !== live) stop();
  }

  function stop() {
    camera?.close();
    camera = null;
  }

  function offer(blob) {
    if (image.src) URL.revokeObjectURL(image.src);
    picture = blob;
    image.src = URL.createObjectURL(blob);
    show(preview);
    byId("document-send").focus();
  }

  async function attempt(action) {
    clear();
    try {
      await action();
    } catch (error) {
      show(ways);
      fail(error);
    }
  }

  byId("document-camera").addEventListener("click", () => attempt(async () => {
    show(live);
    camera = await openCamera(video, { facing: { ideal: "environment" }, width: 2560, height: 1920 });
    camera.onEnded(() => show(ways));
    byId("document-shoot").focus();
  }));
  byId("document-stop").addEventListener("click", () => show(ways));
  byId("document-shoot").addEventListener("click", () => attempt(async () => {
    offer(await snapshot(video, video.videoWidth, video.videoHeight, SIDE, QUALITY));
  }));
  byId("document-file").addEventListener("change", (event) => attempt(async () => {
    const [file] = event.target.files;
    event.target.value = "";
    if (!file) return;
    const bitmap = await createImageBitmap(file).catch(() => {
      throw new CameraProblem("This file is not a picture that can be used. Choose a JPEG or PNG photograph.");
    });
    offer(await snapshot(bitmap, bitmap.width, bitmap.height, SIDE, QUALITY));
    bitmap.close();
  }));
  byId("document-again").addEventListener("click", () => show(ways));
  byId("document-send").addEventListener("click", async (event) => {
    const button = event.currentTarget;
    button.disabled = true;
    clear();
    try {
      await send(picture);
    } catch (error) {
      fail(error);
    } finally {
      button.disabled = false;
    }
  });

  return {
    enter: () => show(ways),
    leave: () => {
      stop();
      if (image.src) URL.revokeObjectURL(image.src);
      image.removeAttribute("src");
      picture = null;
    },
  };
}
