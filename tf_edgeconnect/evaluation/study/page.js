"use strict";

// The page of the study. The server knows what is true; this only shows and reports.
// A pair is shown between two animation frames: its time is the browser's own, measured
// on the same clock and reported with the answer.

const CROSS_MILLISECONDS = 600;
const NOISE_MILLISECONDS = 250;
const KEY = "tf-edgeconnect-study:" + location.host;
const TASKS = {
  "2afc": { question: "Real or filled?", answers: [["real", "Real"], ["filled", "Filled"]], sides: ["a"] },
  "jnd": { question: "Which one was real?", answers: [["a", "A"], ["b", "B"]], sides: ["a", "b"] },
};

const at = (id) => document.getElementById(id);
const stage = at("stage");
const buttons = [at("first"), at("second")];
let participant = localStorage.getItem(KEY);
let current = null;
let report = null; // what an answer carries, once the question stands

const nextFrame = () => new Promise(requestAnimationFrame);
const wait = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

async function ask(path, body) {
  const options = body && {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ participant, ...body }),
  };
  const response = await fetch(path, options);
  const answer = await response.json();
  if (!response.ok) throw Object.assign(new Error(answer.error), { status: response.status });
  return answer;
}

function show(id) {
  for (const section of document.querySelectorAll("main > section")) section.hidden = section.id !== id;
  at("trouble").hidden = true;
}

async function attempt(action) {
  try {
    await action();
  } catch (error) {
    at("trouble").textContent = `${error.message}. Reload the page to continue.`;
    at("trouble").hidden = false;
  }
}

async function welcome() {
  let state = null;
  if (participant) {
    try {
      state = await ask(`trial?participant=${encodeURIComponent(participant)}`);
    } catch (error) {
      if (error.status !== 404) throw error;
      participant = null; // of another study at this address
    }
  }
  const known = state !== null;
  at("begin").hidden = known;
  at("resume").hidden = !known || state.trial === state.of;
  at("new").hidden = !known;
  for (const button of document.querySelectorAll(".join")) button.onclick = () => attempt(join);
  at("resume").onclick = () => attempt(() => proceed(state, true));
  show(known && state.trial === state.of ? "end" : "welcome");
}

async function join() {
  participant = (await ask("join", {})).participant;
  localStorage.setItem(KEY, participant);
  await proceed(await ask(`trial?participant=${encodeURIComponent(participant)}`), true);
}

async function proceed(state, explain) {
  current = state;
  at("progress").hidden = false;
  at("progress").max = state.of;
  at("progress").value = state.trial;
  at("count").textContent = state.trial === state.of ? "" : `${state.trial + 1} of ${state.of}`;
  if (state.trial === state.of) return show("end");
  if (!explain && !state.first) return runTrial();
  const section = at(`task-${state.task}`);
  show(section.id);
  const go = section.querySelector(".go");
  go.onclick = () => attempt(runTrial);
  go.focus();
}

async function runTrial() {
  const { task, milliseconds, trial } = current;
  const { question, answers, sides } = TASKS[task];
  report = null;
  stage.className = sides.length > 1 ? "pair" : "single";
  at("figure-b").hidden = sides.length === 1;
  at("question").textContent = sides.length > 1 ? "\u00a0" : question;
  buttons.forEach((button, index) => {
    button.textContent = answers[index][1];
    button.disabled = true;
    button.onclick = () => attempt(() => answer(answers[index][0]));
  });
  show("trial");
  await Promise.all(sides.map((side) => load(side, trial)));
  const shown = sides.length > 1 ? await flash(sides, milliseconds) : await reveal();
  at("question").textContent = question;
  for (const button of buttons) button.disabled = false;
  report = { trial, shown, since: performance.now() };
}

async function load(side, trial) {
  const picture = at(`picture-${side}`);
  picture.src = `picture?participant=${encodeURIComponent(participant)}&trial=${trial}&side=${side}`;
  picture.alt = at("figure-b").hidden ? "The picture to judge" : `Picture ${side.toUpperCase()}`;
  await picture.decode();
}

async function reveal() {
  stage.classList.add("pictures");
  await nextFrame();
  return null;
}

// Shows the decoded pair from one frame to another, then noise over what the eye kept.
async function flash(sides, milliseconds) {
  for (const side of sides) drawNoise(side);
  stage.classList.add("cross");
  await wait(CROSS_MILLISECONDS);
  await ask("shown", { trial: current.trial });
  const start = await nextFrame();
  stage.classList.replace("cross", "pictures");
  let now = await nextFrame();
  let frame = now - start;
  while (now - start + frame / 2 < milliseconds) {
    const before = now;
    now = await nextFrame();
    frame = Math.min(now - before, 50);
  }
  stage.classList.replace("pictures", "noise");
  await wait(NOISE_MILLISECONDS);
  stage.classList.remove("noise");
  return now - start;
}

function drawNoise(side) {
  const picture = at(`picture-${side}`);
  const canvas = at(`noise-${side}`);
  const cell = 4;
  canvas.width = Math.ceil(picture.naturalWidth / cell);
  canvas.height = Math.ceil(picture.naturalHeight / cell);
  const context = canvas.getContext("2d");
  const noise = context.createImageData(canvas.width, canvas.height);
  for (let i = 0; i < noise.data.length; i += 1) noise.data[i] = i % 4 === 3 ? 255 : 256 * Math.random();
  context.putImageData(noise, 0, 0);
  canvas.style.width = `${picture.width}px`;
  canvas.style.height = `${picture.height}px`;
}

async function answer(value) {
  if (report === null) return;
  const { trial, shown, since } = report;
  report = null;
  for (const button of buttons) button.disabled = true;
  stage.classList.remove("pictures");
  const thought = performance.now() - since;
  await proceed(await ask("answer", { trial, answer: value, shown, thought }), false);
}

document.addEventListener("keydown", (event) => {
  if (event.repeat || event.ctrlKey || event.altKey || event.metaKey || at("trial").hidden) return;
  const index = { ArrowLeft: 0, ArrowUp: 0, ArrowRight: 1, ArrowDown: 1 }[event.key];
  if (index === undefined || buttons[index].disabled) return;
  event.preventDefault();
  buttons[index].click();
});

attempt(welcome);
