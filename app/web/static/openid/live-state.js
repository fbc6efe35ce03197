// Shows what has become of an offer or a request. The page says in data attributes where to ask and how to put it;
// the answer holds the public state alone. Asks less often when the page is hidden or the service does not answer.

const FIRST_WAIT_MS = 1500;
const LONGEST_WAIT_MS = 15000;

const line = document.querySelector("[data-live]");
const openStates = line.dataset.open.split(" ");

function textFor(state) {
  const name = `text${state.charAt(0).toUpperCase()}${state.slice(1)}`;
  return line.dataset[name] ?? line.dataset.textUnknown;
}

function show(state) {
  const open = openStates.includes(state);
  const text = textFor(state);
  if (line.textContent !== text) line.textContent = text;
  line.classList.toggle("live-state--good", state === line.dataset.good);
  line.classList.toggle("live-state--bad", !open && state !== line.dataset.good);
  for (const part of document.querySelectorAll('[data-while="open"]')) {
    part.hidden = !open || state === "exchanged" || state === "submitted";
  }
  return open;
}

async function ask() {
  const answer = await fetch(line.dataset.source, { cache: "no-store", credentials: "omit" });
  if (answer.status === 404) return "unknown";
  if (!answer.ok) throw new Error(`answered ${answer.status}`);
  return (await answer.json()).state;
}

async function watch(wait) {
  await new Promise((resolve) => setTimeout(resolve, document.hidden ? LONGEST_WAIT_MS : wait));
  try {
    if (show(await ask())) watch(FIRST_WAIT_MS);
  } catch {
    watch(Math.min(wait * 2, LONGEST_WAIT_MS));
  }
}

for (const time of document.querySelectorAll("[data-local-time]")) {
  const moment = new Date(time.dateTime);
  if (!Number.isNaN(moment.valueOf())) {
    time.textContent = moment.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  }
}

if (show(line.dataset.state)) watch(FIRST_WAIT_MS);
