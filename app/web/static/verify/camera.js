// Opens a camera, says in plain words why it cannot, and turns pictures into JPEG.

export class CameraProblem extends Error {}

const REASONS = {
  NotAllowedError: "The camera is blocked for this page. Allow it in the address bar or in your browser’s settings, then try again.",
  SecurityError: "The camera is blocked for this page by your browser’s settings.",
  NotFoundError: "No camera was found. Connect one, or open this page on your phone.",
  OverconstrainedError: "No suitable camera was found. Open this page on your phone.",
  NotReadableError: "The camera is in use by another program. Close that program, then try again.",
  AbortError: "The camera stopped. Try again.",
};

export async function openCamera(video, { facing, width, height }) {
  if (!navigator.mediaDevices?.getUserMedia) {
    throw new CameraProblem("This browser cannot use the camera here. Open the page in a current browser, over https.");
  }
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({
      audio: false,
      video: { facingMode: facing, width: { ideal: width }, height: { ideal: height }, frameRate: { ideal: 30 } },
    });
  } catch (error) {
    throw new CameraProblem(REASONS[error.name] ?? "The camera could not be started. Try again, or use another device.");
  }
  video.srcObject = stream;
  await video.play();
  return {
    // Calls back when the camera ends on its own, for instance because permission was taken away.
    onEnded(callback) {
      stream.getVideoTracks().forEach((track) => track.addEventListener("ended", callback, { once: true }));
    },
    close() {
      stream.getTracks().forEach((track) => track.stop());
      video.srcObject = null;
    },
  };
}

// Draws a video frame or image, its longest side at most `side` pixels, and encodes it. What was hidden in the file
// (place, device) is lost on the way, which is meant.
export function snapshot(source, width, height, side, quality) {
  const scale = Math.min(1, side / Math.max(width, height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  canvas.getContext("2d", { alpha: false }).drawImage(source, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new CameraProblem("The picture could not be stored."))), "image/jpeg", quality);
  });
}
