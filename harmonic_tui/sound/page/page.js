"use strict";
// The console says what is to be heard; this page brings about that it is. `settle` makes the one agree with the other,
// however often and in whatever order things change.

const FADE_MS = 12, DRIFT_S = 0.12, REPORT_MS = 250, SILENCE_MS = 12000, LOWEST_HZ = 40;
const NOTHING = "data:audio/wav;base64,UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQIAAAAAAA==";
const $ = (id) => document.getElementById(id);

// Several players, so that the takes that are compared stay loaded and can be faded over.
const decks = Array.from({ length: 4 }, () => {
  const audio = document.createElement("audio");
  audio.preload = "auto";
  document.body.append(audio);
  const deck = { audio, sound: null, used: 0, fade: 0, ready: null };
  audio.addEventListener("ended", () => {
    if (deck === current && wanted && !wanted.loop) send({ kind: "ended", cue: heard.cue });
  });
  return deck;
});

let wire = null, alive = 0, delay = 250, lost = false, dismissed = false, full = false;
let wanted = null, wantedAt = 0;          // The console's state, and when it came.
let heard = { cue: -1, place: -1, state: 0 };  // What of it is heard.
let current = null, listening = false, settling = false, again = false, interrupt = () => {};

// ---- the wire

function connect() {
  clearTimeout(connect.timer);
  if (wire) { wire.onopen = wire.onmessage = wire.onclose = null; wire.close(); }
  wire = new WebSocket(`ws://${location.host}${location.pathname}wire`);
  alive = performance.now();
  wire.onopen = () => { lost = false; delay = 250; if (listening) send({ kind: "listen", on: true }); show(); };
  wire.onmessage = (event) => {
    alive = performance.now();
    const message = JSON.parse(event.data);
    if (message.kind === "state") obey(message);
    else if (message.kind === "at") keepStep(message);
  };
  wire.onclose = (event) => {
    dismissed = event.code === 4001;
    full = event.code === 4002;
    if (full) delay = 4000;
    away();
  };
}

function away() {
  lost = true;
  if (dismissed && current) leave(current);
  show();
  connect.timer = setTimeout(connect, delay);
  delay = Math.min(4000, 2 * delay);
}

// A laptop that slept finds a wire that looks whole and is not.
setInterval(() => { if (performance.now() - alive > SILENCE_MS) connect(); }, 2000);
for (const [target, name] of [[window, "online"], [window, "pageshow"], [document, "visibilitychange"]]) {
  target.addEventListener(name, () => { if (lost && !document.hidden) { delay = 250; connect(); } });
}

function send(message) {
  if (wire && wire.readyState === WebSocket.OPEN) wire.send(JSON.stringify(message));
}

function obey(state) {
  const other = !wanted || wanted.cue !== state.cue || wanted.sound !== state.sound;
  wanted = state;
  wantedAt = performance.now();
  dismissed = full = false;
  if (other) { interrupt(); picture(); }
  show();
  settle();
}

// Where the console is in the sound, by its own word and the time since.
function place() {
  const since = wanted.moving && !wanted.paused ? (performance.now() - wantedAt) / 1000 : 0;
  const at = wanted.position + since;
  if (!wanted.duration) return at;
  return wanted.loop ? at % wanted.duration : Math.min(at, wanted.duration);
}

function keepStep(message) {
  if (!wanted || message.cue !== wanted.cue) return;
  wanted.position = message.position;
  wanted.moving = true;
  wantedAt = performance.now();
  if (!current || current.audio.paused || settling) return;
  if (Math.abs(current.audio.currentTime - message.position) > DRIFT_S) current.audio.currentTime = message.position;
}

// ---- the sound

// Loud as the console's other outputs: half the volume sounds half as loud.
const loudness = () => (wanted ? wanted.volume * wanted.volume : 1);

function fadeTo(deck, loud, then) {
  clearInterval(deck.fade);
  const from = deck.audio.volume, begun = performance.now();
  // Nobody sees a page in the background, and its timers are slow.
  if (document.hidden || Math.abs(from - loud) < 0.001) { deck.audio.volume = loud; if (then) then(); return; }
  deck.fade = setInterval(() => {
    const share = Math.min(1, (performance.now() - begun) / FADE_MS);
    deck.audio.volume = Math.min(1, Math.max(0, from + share * (loud - from)));
    if (share === 1) { clearInterval(deck.fade); if (then) then(); }
  }, 3);
}

function leave(deck) {
  if (!deck.audio.paused) fadeTo(deck, 0, () => deck.audio.pause());
}

function happens(audio, name) {
  return new Promise((resolve, reject) => {
    const end = (how, what) => {
      audio.removeEventListener(name, good);
      audio.removeEventListener("error", bad);
      how(what);
    };
    const good = () => end(resolve), bad = () => end(reject, new Error("unplayable"));
    audio.addEventListener(name, good);
    audio.addEventListener("error", bad);
    interrupt = () => end(reject, new Error("interrupted"));
  });
}

async function load(sound) {
  let deck = decks.find((each) => each.sound === sound && !each.audio.error);
  if (!deck) {
    deck = decks.filter((each) => each !== current).sort((a, b) => a.used - b.used)[0];
    clearInterval(deck.fade);
    deck.sound = sound;
    deck.audio.src = `sound/${sound}`;
  }
  deck.used = performance.now();
  if (deck.audio.readyState < HTMLMediaElement.HAVE_METADATA) await happens(deck.audio, "loadedmetadata");
  return deck;
}

async function jump(deck, position) {
  const target = Math.max(0, Math.min(position, deck.audio.duration || 0));
  if (Math.abs(deck.audio.currentTime - target) < 0.002) return;
  const sought = happens(deck.audio, "seeked");
  deck.audio.currentTime = target;
  await sought;
}

async function start(deck) {
  if (deck.audio.currentTime > 0.01) deck.audio.volume = 0;
  else { clearInterval(deck.fade); deck.audio.volume = loudness(); }
  await deck.audio.play();
  fadeTo(deck, loudness());
}

async function agree() {
  const state = wanted;
  if (!state || !listening || state.sound === null) {
    decks.forEach(leave);
    current = null;
    heard = { cue: -1, place: -1, state: state ? state.state : 0 };
    return;
  }
  if (heard.cue !== state.cue || !current) {
    const old = current, sounding = old && !old.audio.paused;
    const deck = await load(state.sound);
    // While it was loaded the old take went on: the new one begins where that is now.
    await jump(deck, state.kept && sounding ? old.audio.currentTime : place());
    if (state.kept && sounding && deck !== old) await jump(deck, old.audio.currentTime + 0.01);
    deck.audio.loop = state.loop;
    current = deck;
    heard = { cue: state.cue, place: state.place, state: 0 };
    if (!state.paused) await start(deck);
    if (old && old !== deck) leave(old);
  } else if (heard.place !== state.place) {
    heard.place = state.place;
    const sounding = !current.audio.paused;
    if (sounding) await new Promise((resolve) => fadeTo(current, 0, resolve));
    await jump(current, place());
    if (sounding && !state.paused) await start(current);
  }
  current.audio.loop = state.loop;
  if (state.paused) leave(current);
  else if (current.audio.paused && !current.audio.ended) await start(current);
  else fadeTo(current, loudness());
  heard.state = state.state;
  report();
}

async function settle() {
  again = true;
  if (settling) return;
  settling = true;
  while (again) {
    again = false;
    try {
      await agree();
    } catch (error) {
      if (error.message === "interrupted" || error.name === "AbortError") { again = true; continue; }
      if (error.name === "NotAllowedError") { listen(false); note("The browser wants the Listen button to be pressed once more."); }
      else if (wanted) { send({ kind: "failed", cue: wanted.cue }); note("The browser cannot play this sound."); }
    }
  }
  settling = false;
  show();
}

function report() {
  if (!listening || !wanted || !current) return;
  send({ kind: "at", state: heard.state, position: current.audio.currentTime, moving: !current.audio.paused });
}
setInterval(() => { if (current && !current.audio.paused && !settling) report(); }, REPORT_MS);

// ---- what is seen and touched

function listen(on) {
  listening = on;
  note("");
  // Pressing the button is what lets each of the players sound from now on.
  if (on) for (const { audio, sound } of decks) if (sound === null) { audio.src = NOTHING; audio.play().catch(() => {}); audio.pause(); }
  send({ kind: "listen", on });
  show();
  settle();
}

function note(text) { $("note").textContent = text; }

function clock(seconds) {
  const whole = Math.max(0, seconds);
  return `${Math.floor(whole / 60)}:${(Math.floor(whole * 10) / 10 % 60).toFixed(1).padStart(4, "0")}`;
}

function set(id, text) { if ($(id).textContent !== text) $(id).textContent = text; }

function show() {
  const state = wanted, pill = $("wire");
  const why = dismissed ? "◌ the console has closed this page"
    : full ? "! too many pages are open, waiting for one to close" : "! console out of reach, trying again";
  const [text, kind] = lost ? [why, "look"]
    : !state ? ["◌ connecting", ""] : listening ? ["● listening", "good"] : ["◌ connected, not listening", ""];
  if (pill.textContent !== text) pill.textContent = text;
  pill.className = `pill ${kind}`;
  $("listen").textContent = listening ? "Stop listening" : "Listen";
  $("listen").className = listening ? "" : "main";
  const sounds = Boolean(state && state.sound);
  $("toggle").disabled = !sounds || lost;
  $("toggle").textContent = sounds && !state.paused ? "Pause" : "Play";
  if (!state) return;
  set("loop", state.loop ? "↻ again and again" : "");
  set("volume", `volume ${Math.round(100 * state.volume)} %`);
  set("listeners", state.listeners > 1 ? `${state.listeners} listeners` : "");
  if (sounds) { set("title", state.title); set("detail", state.detail); }
  document.title = sounds ? `${state.paused ? "‖" : "▶"} ${state.title}` : "HarmonicVAE";
}

function picture() {
  if (!wanted.sound) { $("cursor").style.visibility = "hidden"; return; }
  const source = `spectrogram/${wanted.sound}`;
  if ($("spectrogram").getAttribute("src") !== source) $("spectrogram").src = source;
  $("spectrogram").alt = `Spectrogram of ${wanted.title}`;
  $("cursor").style.visibility = "visible";
  const seconds = wanted.duration, nyquist = wanted.highest_hz;
  const step = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300].find((each) => seconds / each <= 8) || 600;
  const times = [];
  for (let at = 0; at < seconds - step / 2; at += step) times.push([at / seconds, `${+at.toFixed(1)}`]);
  marks("time", "left", [...times, [1, `${seconds.toFixed(1)} s`]]);
  const pitches = [100, 300, 1000, 3000, 10000].filter((each) => each < 0.8 * nyquist);
  const height = (hertz) => Math.log(hertz / LOWEST_HZ) / Math.log(nyquist / LOWEST_HZ);
  marks("pitch", "bottom", pitches.map((each) => [height(each), each < 1000 ? `${each} Hz` : `${each / 1000} kHz`]));
}

function marks(id, side, places) {
  $(id).replaceChildren(...places.map(([share, text]) => {
    const mark = document.createElement("span");
    mark.textContent = text;
    mark.style[side] = `${100 * share}%`;
    return mark;
  }));
}

function frame() {
  requestAnimationFrame(frame);
  if (!wanted || !wanted.sound || !wanted.duration) { set("position", "0:00.0"); return; }
  const at = current && listening && !settling ? current.audio.currentTime : place();
  $("cursor").style.left = `${Math.min(100, 100 * at / wanted.duration)}%`;
  $("picture").setAttribute("aria-valuemax", wanted.duration.toFixed(1));
  $("picture").setAttribute("aria-valuenow", at.toFixed(1));
  set("position", `${clock(at)} / ${clock(wanted.duration)}`);
}

$("listen").addEventListener("click", () => listen(!listening));
$("toggle").addEventListener("click", () => send({ kind: "toggle", position: 0 }));
$("picture").addEventListener("click", (event) => {
  const box = $("picture").getBoundingClientRect();
  if (wanted && wanted.duration) send({ kind: "seek", position: (event.clientX - box.left) / box.width * wanted.duration });
});
document.addEventListener("keydown", (event) => {
  const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (by && wanted && wanted.duration) send({ kind: "seek", position: Math.max(0, place() + by * wanted.duration / 20) });
  else if (event.key === " " && event.target.tagName !== "BUTTON") send({ kind: "toggle", position: 0 });
  else return;
  event.preventDefault();
});

connect();
requestAnimationFrame(frame);
