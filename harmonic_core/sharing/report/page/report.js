"use strict";
// Without this program the page still reads, and every sound has the browser's own player. It adds reading off curves,
// and takes that are compared at the same place.

const FADE_MS = 12, NEAR_END_S = 0.05;
const data = JSON.parse(document.getElementById("data").textContent);
const $ = (id) => document.getElementById(id);
const SHAPES = { play: "M3 1v14l11-7z", pause: "M3 1h3.5v14H3zM9.5 1H13v14H9.5z" };
document.documentElement.classList.add("js");

// ---- sounds

let current = null, ticket = 0;

const samples = [...document.querySelectorAll(".sample")].map((element) => {
  const sample = { element, title: element.querySelector("h4").textContent.trim(), takes: [], position: 0 };
  sample.takes = [...element.querySelectorAll(".take")].filter((each) => each.querySelector("audio")).map((each) => makeTake(sample, each));
  return sample;
});

function makeTake(sample, element) {
  const audio = element.querySelector("audio"), picture = element.querySelector(".picture");
  const take = { sample, element, audio, picture, name: element.dataset.name, short: element.dataset.short, cursor: picture.querySelector(".cursor"), seconds: Number(sample.element.dataset.seconds), fade: 0 };
  audio.removeAttribute("controls");
  const button = take.button = document.createElement("button");
  button.type = "button";
  button.className = "play";
  button.addEventListener("click", () => (current === take && !audio.paused ? pause() : play(take)));
  element.querySelector(".take-name").prepend(button);
  picture.tabIndex = 0;
  picture.setAttribute("role", "slider");
  picture.setAttribute("aria-label", `Place in ${take.name}, ${sample.title}`);
  picture.setAttribute("aria-valuemin", "0");
  picture.setAttribute("aria-valuemax", take.seconds.toFixed(1));
  picture.addEventListener("click", (event) => {
    const box = picture.getBoundingClientRect();
    play(take, ((event.clientX - box.left) / box.width) * take.seconds);
  });
  audio.addEventListener("ended", () => { if (current === take) { sample.position = 0; show(); } });
  audio.addEventListener("loadedmetadata", () => { if (Number.isFinite(audio.duration)) take.seconds = audio.duration; });
  for (const name of ["play", "pause", "seeked"]) audio.addEventListener(name, show);
  return take;
}

function loaded(audio) {
  if (audio.readyState >= HTMLMediaElement.HAVE_METADATA) return Promise.resolve();
  return new Promise((resolve, reject) => {
    audio.addEventListener("loadedmetadata", resolve, { once: true });
    audio.addEventListener("error", () => reject(new Error("unplayable")), { once: true });
    audio.preload = "auto";
    if (audio.error || audio.networkState !== HTMLMediaElement.NETWORK_LOADING) audio.load();
  });
}

function fadeTo(take, loud, then) {
  clearInterval(take.fade);
  const from = take.audio.volume, begun = performance.now();
  if (document.hidden) { take.audio.volume = loud; if (then) then(); return; }
  take.fade = setInterval(() => {
    const share = Math.min(1, (performance.now() - begun) / FADE_MS);
    take.audio.volume = Math.min(1, Math.max(0, from + share * (loud - from)));
    if (share === 1) { clearInterval(take.fade); if (then) then(); }
  }, 3);
}

function silence(take) {
  if (!take.audio.paused) fadeTo(take, 0, () => take.audio.pause());
}

// Where a sample is in time, whichever of its takes is heard.
function place(sample) {
  return current && current.sample === sample && !current.audio.ended ? current.audio.currentTime : sample.position;
}

async function play(take, at) {
  const mine = ++ticket;
  $("trouble").textContent = "";
  try {
    await loaded(take.audio);
    if (mine !== ticket) return;
    const old = current, wanted = at === undefined ? place(take.sample) : at;
    if (old && old !== take) { old.sample.position = old.audio.currentTime; silence(old); }
    const start = wanted > take.seconds - NEAR_END_S ? 0 : Math.max(0, wanted);
    current = take;
    take.sample.position = start;
    if (Math.abs(take.audio.currentTime - start) > 0.002 || take.audio.ended) take.audio.currentTime = start;
    take.audio.loop = $("again").checked;
    clearInterval(take.fade);
    take.audio.volume = start > 0.01 ? 0 : 1;
    await take.audio.play();
    if (mine !== ticket) return;
    fadeTo(take, 1);
    for (const other of take.sample.takes) loaded(other.audio).catch(() => {});
  } catch (error) {
    if (error.name !== "AbortError") $("trouble").textContent = `The browser cannot play ${take.name}, ${take.sample.title}.`;
  }
  show();
}

function pause() {
  ticket += 1;
  if (!current) return;
  current.sample.position = current.audio.currentTime;
  silence(current);
}

function toggle() {
  if (!current) return;
  if (current.audio.paused) play(current); else pause();
}

function seek(take, position) {
  const target = Math.max(0, Math.min(position, take.seconds - NEAR_END_S));
  take.sample.position = target;
  if (current && current.sample === take.sample) current.audio.currentTime = target;
  show();
}

// Whoever starts a player by other means, media keys among them, silences the others all the same.
document.addEventListener("play", (event) => {
  for (const sample of samples) for (const take of sample.takes) {
    if (take.audio === event.target) current = take;
    else silence(take);
  }
}, true);

// ---- what is shown of them

function icon(button, shape, label) {
  if (button.dataset.shape !== shape) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg"), path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    svg.setAttribute("viewBox", "0 0 16 16");
    svg.setAttribute("aria-hidden", "true");
    path.setAttribute("d", SHAPES[shape]);
    svg.append(path);
    button.replaceChildren(svg);
    button.dataset.shape = shape;
  }
  if (button.getAttribute("aria-label") !== label) button.setAttribute("aria-label", label);
}

function clock(seconds) {
  return `${Math.floor(seconds / 60)}:${(Math.floor(seconds * 10) / 10 % 60).toFixed(1).padStart(4, "0")}`;
}

function show() {
  for (const sample of samples) {
    const isCurrent = Boolean(current) && current.sample === sample, at = place(sample);
    sample.element.classList.toggle("current", isCurrent);
    for (const take of sample.takes) {
      const sounds = take === current && !take.audio.paused;
      icon(take.button, sounds ? "pause" : "play", `${sounds ? "Pause" : "Play"} ${take.name}, ${sample.title}`);
      take.element.classList.toggle("heard", isCurrent && take === current);
      move(take, isCurrent || at > 0, at);
    }
  }
  if (!current) return;
  $("bar").hidden = false;
  document.body.classList.add("playing-bar");
  icon($("toggle"), current.audio.paused ? "play" : "pause", current.audio.paused ? "Play" : "Pause");
  $("heard").textContent = current.sample.title;
  if ($("choices").dataset.of !== String(samples.indexOf(current.sample))) {
    $("choices").dataset.of = String(samples.indexOf(current.sample));
    $("choices").replaceChildren(...current.sample.takes.map((take, number) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = current.sample.takes.length > 1 ? `${number + 1} ${take.short}` : take.short;
      button.setAttribute("aria-label", take.name);
      button.addEventListener("click", () => play(take));
      return button;
    }));
  }
  [...$("choices").children].forEach((button, number) => button.setAttribute("aria-pressed", String(current.sample.takes[number] === current)));
  tell();
}

function move(take, visible, at) {
  take.cursor.style.visibility = visible ? "visible" : "hidden";
  take.cursor.style.left = `${Math.min(100, (100 * at) / take.seconds)}%`;
  take.picture.setAttribute("aria-valuenow", at.toFixed(1));
  take.picture.setAttribute("aria-valuetext", `${at.toFixed(1)} of ${take.seconds.toFixed(1)} seconds`);
}

function tell() {
  $("position").textContent = `${clock(place(current.sample))} / ${clock(current.seconds)}`;
}

function frame() {
  requestAnimationFrame(frame);
  if (!current || current.audio.paused) return;
  for (const take of current.sample.takes) move(take, true, current.audio.currentTime);
  tell();
}

$("toggle").addEventListener("click", toggle);
$("again").addEventListener("change", () => { if (current) current.audio.loop = $("again").checked; });
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const on = event.target.closest("button, input, summary, a"), slider = event.target.closest(".picture");
  const take = slider && samples.flatMap((each) => each.takes).find((each) => each.picture === slider);
  const by = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[event.key];
  if (take && by) seek(take, place(take.sample) + (by * take.seconds) / 20);
  else if (take && event.key === "Home") seek(take, 0);
  else if (take && (event.key === " " || event.key === "Enter")) { if (current === take) toggle(); else play(take); }
  else if (event.key === " " && !on && current) toggle();
  else if (/^[1-9]$/.test(event.key) && current && current.sample.takes[Number(event.key) - 1]) play(current.sample.takes[Number(event.key) - 1]);
  else return;
  event.preventDefault();
});

// ---- curves

function epochOf(step) {
  const closed = data.epochs.find(([end]) => step <= end);
  return closed ? ` · epoch ${closed[1]}` : "";
}

document.querySelectorAll(".chart").forEach((figure) => {
  const svg = figure.querySelector("svg"), cursor = svg.querySelector(".cursor"), reading = figure.querySelector(".reading");
  const lines = data.charts[Number(figure.dataset.chart)], rest = [...reading.childNodes];
  const stops = [...new Set(lines.flatMap((line) => line.points.map((point) => point[0])))].sort((a, b) => a - b);
  let at = -1;
  const nearest = (points, x) => points.reduce((best, point) => (Math.abs(point[0] - x) < Math.abs(best[0] - x) ? point : best), points[0]);
  const read = (x) => {
    const found = lines.filter((line) => line.points.length).map((line) => [line.name, nearest(line.points, x)]);
    if (!found.length) return;
    const middle = found.map(([, point]) => point).reduce((best, point) => (Math.abs(point[0] - x) < Math.abs(best[0] - x) ? point : best));
    cursor.style.visibility = "visible";
    cursor.setAttribute("x1", middle[0]);
    cursor.setAttribute("x2", middle[0]);
    const words = `step ${middle[2]}${epochOf(middle[2])}: ${found.map(([name, point]) => `${name} ${point[3]}`).join("; ")}`;
    reading.textContent = words;
    svg.setAttribute("aria-valuetext", words);
    at = stops.indexOf(middle[0]);
    svg.setAttribute("aria-valuenow", at);
  };
  const leave = () => { cursor.style.visibility = "hidden"; reading.replaceChildren(...rest); };
  svg.tabIndex = 0;
  svg.setAttribute("role", "slider");
  svg.setAttribute("aria-valuemin", "0");
  svg.setAttribute("aria-valuemax", stops.length - 1);
  svg.setAttribute("aria-valuenow", stops.length - 1);
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    read(((event.clientX - box.left) / box.width) * svg.viewBox.baseVal.width);
  });
  svg.addEventListener("pointerleave", leave);
  svg.addEventListener("blur", leave);
  svg.addEventListener("keydown", (event) => {
    const to = { ArrowLeft: (at < 0 ? stops.length : at) - 1, ArrowRight: at + 1, Home: 0, End: stops.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    read(stops[Math.max(0, Math.min(stops.length - 1, to))]);
  });
});

// ---- the latent space

document.querySelectorAll(".map").forEach((figure) => {
  const points = [...figure.querySelectorAll(".p")], reading = figure.querySelector(".reading");
  for (const point of points) point.addEventListener("pointerenter", () => { reading.textContent = point.querySelector("title").textContent; });
  const buttons = [...figure.querySelectorAll(".legend button")];
  for (const button of buttons) button.addEventListener("click", () => {
    const on = button.getAttribute("aria-pressed") !== "true";
    for (const other of buttons) other.setAttribute("aria-pressed", String(on && other === button));
    for (const point of points) point.classList.toggle("dim", on && !point.classList.contains(`g${button.dataset.group}`));
  });
});

document.querySelectorAll(".strip").forEach((figure) => {
  const svg = figure.querySelector("svg"), reading = figure.querySelector(".reading"), rest = reading.textContent;
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect(), number = Math.floor(((event.clientX - box.left) / box.width) * data.strip.length);
    const cell = data.strip[Math.max(0, Math.min(data.strip.length - 1, number))];
    if (cell) reading.textContent = `dimension ${cell[0] + 1}: ${cell[1]} nats`;
  });
  svg.addEventListener("pointerleave", () => { reading.textContent = rest; });
});

addEventListener("beforeprint", () => { for (const each of document.querySelectorAll("details")) each.open = true; });
show();
requestAnimationFrame(frame);
