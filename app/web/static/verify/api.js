// Talks to the service with the session's client secret, which is never put into a URL that is sent.

export class ApiProblem extends Error {
  constructor(code, detail, status) {
    super(detail || code);
    this.code = code;
    this.status = status;
  }
}

const TIMEOUT_MS = 60_000;

export function createApi(sessionId, clientSecret) {
  const base = `/v1/verification_sessions/${encodeURIComponent(sessionId)}`;

  async function call(method, path, body) {
    const headers = { Authorization: `Bearer ${clientSecret}`, Accept: "application/json" };
    if (body !== undefined && !(body instanceof FormData)) {
      headers["Content-Type"] = "application/json";
      body = JSON.stringify(body);
    }
    let response;
    try {
      response = await fetch(base + path, {
        method, headers, body, cache: "no-store", credentials: "omit", redirect: "error",
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
    } catch {
      throw new ApiProblem("network", "The service could not be reached. Check your connection and try again.", 0);
    }
    const answer = await response.json().catch(() => ({}));
    if (!response.ok) throw new ApiProblem(answer.code ?? "internal_error", answer.detail, response.status);
    return answer;
  }

  return {
    status: () => call("GET", "/status"),
    consent: (granted) => call("POST", "/consent", { granted }),
    challenge: () => call("POST", "/challenge"),
    submit: () => call("POST", "/submit"),
    document: (picture) => {
      const form = new FormData();
      form.append("image", picture, "document.jpg");
      return call("POST", "/document", form);
    },
    selfie: (nonce, frames) => {
      const form = new FormData();
      form.append("nonce", nonce);
      form.append("timestamps", JSON.stringify(frames.map((frame) => frame.atMs)));
      frames.forEach((frame, index) => form.append("frames", frame.picture, `${String(index).padStart(3, "0")}.jpg`));
      return call("POST", "/selfie", form);
    },
  };
}
