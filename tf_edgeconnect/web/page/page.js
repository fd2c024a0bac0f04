// The editor's page: its controls and what they do. `lines` in names and ids are edges.

import { asLines, grayOf, Layers } from "./layers.js";
import { about, ServedPhoto } from "./server.js";
import { View } from "./view.js";

const at = (id) => document.getElementById(id);
const all = (selector) => [...document.querySelectorAll(selector)];
const KEYS = { b: "brush", r: "rectangle", u: "uncover", p: "pencil", e: "rubber", h: "hand" };
const HOLE_TOOLS = ["brush", "uncover"];
const LINE_TOOLS = ["pencil", "rubber"];

const view = new View(at("canvas"));
let limits = null;
let photo = null; // as the server knows it
let layers = null;
let variants = [];
let shown = null; // the variant on the stage
let tool = "brush";
let busy = false;
let atHome = true;

// ---- one action at a time, and its status line

async function attempt(what, action) {
  if (busy) return;
  setBusy(true);
  at("trouble").hidden = true;
  const since = performance.now();
  const tell = () => {
    const seconds = Math.round((performance.now() - since) / 1000);
    at("status").textContent = seconds ? `${what}… ${seconds} s` : `${what}…`;
  };
  tell();
  const clock = setInterval(tell, 500);
  try {
    at("status").textContent = (await action()) || "";
  } catch (error) {
    at("status").textContent = "";
    const sentence = error.message.replace(/\.$/, "");
    at("trouble").textContent = `${sentence[0].toUpperCase()}${sentence.slice(1)}.`;
    at("trouble").hidden = false;
  } finally {
    clearInterval(clock);
    setBusy(false);
  }
}

function setBusy(value) {
  busy = value;
  at("progress").hidden = !value;
  document.body.setAttribute("aria-busy", value);
  refresh();
}

function refresh() {
  const placing = view.sketch !== null;
  const comparing = view.compare;
  at("welcome").hidden = !atHome || limits === null;
  at("editor").hidden = atHome;
  at("home").textContent = atHome ? "Back to the photo" : "Samples";
  for (const button of all(".needs-photo")) button.hidden = photo === null;
  for (const button of all("main button")) button.disabled = busy;
  if (layers) {
    at("undo").disabled ||= layers.done.length === 0 || placing;
    at("redo").disabled ||= layers.undone.length === 0 || placing;
  }
  at("keep-photo").disabled ||= shown === null;
  at("placing").hidden = !placing;
  at("comparing").hidden = !comparing;
  at("edit-again").hidden = !comparing;
  at("variants").hidden = variants.length === 0;
  at("side-by-side").disabled ||= variants.length < 1;
  const pressed = placing || comparing ? "" : tool;
  for (const button of all("[data-tool]")) {
    button.setAttribute("aria-pressed", button.dataset.tool === pressed);
  }
  at("canvas").className = placing ? "hand" : comparing ? "drag" : tool === "hand" ? "hand" : "";
  view.draw();
}

// ---- photos

function choose(id) {
  at(id).value = "";
  at(id).click();
}

function openFile(file) {
  return attempt("Opening the photo", async () => {
    await begin(await ServedPhoto.open(file, limits));
    return "Paint over what to fill, then find the edges, or just fill";
  });
}

function openSample(name) {
  return attempt("Opening the photo", async () => {
    await begin(await ServedPhoto.sample(name, limits));
    suggestHole();
    return "Fill this hole, or undo it and paint your own";
  });
}

async function begin(served) {
  const picture = await served.picture();
  for (const variant of variants) URL.revokeObjectURL(variant.url);
  [photo, layers, variants, shown] = [served, new Layers(served.width, served.height), [], null];
  at("cards").replaceChildren();
  const side = Math.min(photo.width, photo.height);
  setRange("brush-size", Math.max(4, Math.round(side / 12)), Math.max(40, Math.round(side / 3)));
  setRange("pencil-size", Math.max(1, Math.round(side / 250)), Math.max(12, Math.round(side / 25)));
  atHome = false;
  refresh(); // the stage has a size from now on
  view.resize();
  view.open(picture, layers);
  select("brush");
}

// A bent stroke beside the middle.
function suggestHole() {
  const { width, height } = layers;
  const points = [[0.4, 0.32], [0.5, 0.42], [0.54, 0.54], [0.48, 0.66]];
  const size = Math.min(width, height) / 6;
  points.slice(1).forEach(([x, y], i) => {
    const [fromX, fromY] = points[i];
    layers.stroke("brush", { x: fromX * width, y: fromY * height }, { x: x * width, y: y * height }, size);
  });
  layers.commit();
}

// ---- edges and filling

const sigma = () => ({ sigma: at("sigma").value });

async function findLines() {
  if (layers.isEmpty()) throw new Error("There is no hole yet: paint over what to fill");
  const blob = await photo.ask("edges", sigma(), await layers.sketch());
  layers.takeFound((await grayOf(blob, photo.width, photo.height)).data);
  view.linesShown = true;
}

async function fill() {
  if (layers.holeChanged && !layers.touched) await findLines();
  if (layers.isEmpty()) throw new Error("There is no hole yet: paint over what to fill");
  const blob = await photo.ask("fill", sigma(), await layers.sketch());
  const variant = {
    blob, url: URL.createObjectURL(blob), picture: await createImageBitmap(blob),
    kept: await layers.keep(), number: variants.length + 1,
  };
  variants.push(variant);
  at("cards").append(cardOf(variant));
  view.divider = 1;
  show(variant);
  return "Move the slider to compare; go back to the edges to try others";
}

function cardOf(variant) {
  const card = document.createElement("button");
  const image = new Image();
  image.src = variant.url;
  image.alt = "";
  card.append(image, `Variant ${variant.number}`);
  card.addEventListener("click", () => attempt("Going back", async () => {
    await layers.restore(variant.kept);
    show(variant);
  }));
  return card;
}

function show(variant) {
  shown = variant;
  [...at("cards").children].forEach((card, i) => card.setAttribute("aria-pressed", variants[i] === variant));
  view.result = variant.picture;
  view.compare = true;
  at("divider").value = view.divider;
  refresh();
}

function showTogether() {
  const figures = [{ picture: view.photo, caption: "Before" },
    ...variants.map(({ picture, number }) => ({ picture, caption: `Variant ${number}` }))];
  at("pictures").replaceChildren(...figures.map(({ picture, caption }) => {
    const figure = document.createElement("figure");
    const canvas = document.createElement("canvas");
    const scale = Math.min(1, 900 / picture.width);
    canvas.width = picture.width * scale;
    canvas.height = picture.height * scale;
    canvas.style.width = "100%";
    const context = canvas.getContext("2d");
    context.imageSmoothingQuality = "high";
    context.drawImage(picture, 0, 0, canvas.width, canvas.height);
    const text = document.createElement("figcaption");
    text.textContent = caption;
    figure.append(canvas, text);
    return figure;
  }));
  at("together").showModal();
}

// ---- edges of another photo

async function beginTransfer(file) {
  const other = await ServedPhoto.open(file, limits);
  const { width, height } = layers;
  const scale = Math.min(width / other.width, height / other.height);
  view.sketch = { other, fitted: scale, x: 0, y: 0, width: 0, height: 0 };
  try {
    await scaleSketch(1);
  } catch (error) {
    view.sketch = null;
    throw error;
  }
  setValue("sketch-size", 1);
  Object.assign(view.sketch, { x: (width - view.sketch.width) / 2, y: (height - view.sketch.height) / 2 });
  view.compare = false;
  view.linesShown = true;
}

// Edges are found at the size at which they are used, so they stay one pixel thin.
async function scaleSketch(factor) {
  const { other, fitted } = view.sketch;
  const width = Math.max(8, Math.round(other.width * fitted * factor));
  const height = Math.max(8, Math.round(other.height * fitted * factor));
  const found = await grayOf(await other.ask("photo_edges", { ...sigma(), width, height }));
  const { x, y, width: w, height: h } = view.sketch;
  Object.assign(view.sketch, {
    picture: asLines(found.data, found.width, found.height),
    x: x + (w - width) / 2, y: y + (h - height) / 2, width, height,
  });
  view.draw();
}

function putSketch() {
  const { picture, x, y, width, height } = view.sketch;
  const rounded = { x: Math.round(x), y: Math.round(y), width, height };
  layers.stamp(picture, rounded);
  layers.commit();
  view.sketch = null;
  refresh();
}

// ---- files to save

function download(blob, ending) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `${photo.file.name.replace(/\.[^.]*$/, "")}_${ending}.png`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

// ---- pointer

let last = null; // where the pointer was, while something is drawn or moved
let start = null;
let spaceHeld = false;

function pointerDown(event) {
  if (!layers || busy || (event.button !== 0 && event.button !== 1)) return;
  event.preventDefault();
  at("canvas").focus();
  at("canvas").setPointerCapture(event.pointerId);
  last = start = { ...view.place(event), moves: event.button === 1 || spaceHeld };
  if (actionNow() === "draw") {
    if (LINE_TOOLS.includes(tool)) view.linesShown = true;
    drawTo(last);
  } else if (actionNow() === "compare") moveDivider(last);
}

function actionNow() {
  if (start.moves) return "pan";
  if (view.sketch) return "place";
  if (view.compare) return "compare";
  return { hand: "pan", rectangle: "rectangle" }[tool] || "draw";
}

function pointerMove(event) {
  const here = view.place(event);
  if (layers) view.cursor = isDrawing() && !view.compare && !view.sketch ? { ...here, size: sizeOf(tool) } : null;
  if (start) {
    const action = actionNow();
    if (action === "pan") view.pan(here.left - last.left, here.top - last.top);
    if (action === "place") {
      view.sketch.x += here.x - last.x;
      view.sketch.y += here.y - last.y;
    }
    if (action === "compare") moveDivider(here);
    if (action === "rectangle") view.rubberBand = [start, here];
    if (action === "draw") {
      const events = event.getCoalescedEvents?.() || [];
      for (const one of events.length ? events : [event]) drawTo(view.place(one));
    }
    last = view.place(event);
  }
  view.draw();
}

function pointerUp(event) {
  if (!start) return;
  if (actionNow() === "rectangle") layers.rectangle(start, view.place(event));
  view.rubberBand = last = start = null;
  layers.commit();
  refresh();
}

const isDrawing = () => HOLE_TOOLS.includes(tool) || LINE_TOOLS.includes(tool);
const sizeOf = (name) => Number(at(LINE_TOOLS.includes(name) ? "pencil-size" : "brush-size").value);

function drawTo(here) {
  layers.stroke(tool, last, here, sizeOf(tool));
  last = here;
  view.draw();
}

function moveDivider({ x }) {
  view.divider = Math.min(1, Math.max(0, x / layers.width));
  at("divider").value = view.divider;
  view.draw();
}

function select(name) {
  tool = name;
  at("status").textContent = "";
  view.compare = false;
  view.cursor = null;
  refresh();
}

// ---- controls

function setRange(id, value, largest) {
  at(id).max = largest;
  setValue(id, value);
}

function setValue(id, value) {
  at(id).value = value;
  at(id).dispatchEvent(new Event("input"));
}

function onClick(id, action) {
  at(id).addEventListener("click", () => {
    action();
    refresh();
  });
}

function onFile(id, what, action) {
  at(id).addEventListener("change", () => {
    const [file] = at(id).files;
    if (file) attempt(what, () => action(file));
  });
}

async function readable(file) {
  try {
    return (await grayOf(file, photo.width, photo.height)).data;
  } catch (error) {
    if (error instanceof DOMException) throw new Error(`${file.name} is not a picture that can be read`);
    throw new Error(`${file.name}: ${error.message}`);
  }
}

function wire() {
  for (const input of all("input[type=range]")) {
    const output = input.parentElement.querySelector("output");
    input.addEventListener("input", () => { if (output) output.textContent = input.value; });
    input.dispatchEvent(new Event("input"));
  }
  for (const button of all("[data-tool]")) button.addEventListener("click", () => select(button.dataset.tool));
  onClick("open", () => choose("photo-file"));
  onClick("drop", () => choose("photo-file"));
  onClick("home", () => { atHome = !atHome; });
  onClick("find", () => attempt("Finding edges", async () => {
    await findLines();
    select("pencil");
    return "Draw or erase edges inside the hole; then fill";
  }));
  onClick("fill", () => attempt("Filling", fill));
  onClick("undo", () => { view.compare = false; layers.undo(); });
  onClick("redo", () => { view.compare = false; layers.redo(); });
  onClick("invert", () => { view.compare = false; layers.invertHole(); });
  onClick("clear-hole", () => { view.compare = false; layers.clear("hole", "lines"); });
  onClick("clear-lines", () => { view.compare = false; view.linesShown = true; layers.clear("lines"); });
  onClick("load-mask", () => choose("mask-file"));
  onClick("load-lines", () => choose("lines-file"));
  onClick("transfer", () => choose("sketch-file"));
  onClick("put", putSketch);
  onClick("cancel", () => { view.sketch = null; });
  onClick("smaller", () => view.zoom(1 / 1.4));
  onClick("larger", () => view.zoom(1.4));
  onClick("fit", () => view.fit());
  onClick("edit-again", () => { select(tool); view.linesShown = true; });
  onClick("side-by-side", showTogether);
  onClick("keep-photo", () => download(shown.blob, "filled"));
  onClick("keep-mask", async () => download(await layers.holePicture(), "mask"));
  onClick("keep-lines", async () => download(await layers.linesPicture(), "edges"));
  at("photo-file").addEventListener("change", () => {
    if (at("photo-file").files.length) openFile(at("photo-file").files[0]);
  });
  onFile("mask-file", "Loading the mask", async (file) => {
    const mask = await photo.ask("mask", { name: file.name }, file); // as `inpaint` reads it
    layers.takeHole((await grayOf(mask, photo.width, photo.height)).data);
    select("brush");
  });
  onFile("lines-file", "Loading the edges", async (file) => {
    if (layers.isEmpty()) throw new Error("Only edges inside the hole count: load the mask first, or paint a hole");
    layers.takeDrawn(await readable(file));
    view.linesShown = true;
    select("pencil");
  });
  onFile("sketch-file", "Finding the other photo's edges", beginTransfer);
  at("sketch-size").addEventListener("change", () =>
    attempt("Finding edges at this size", () => scaleSketch(Number(at("sketch-size").value))));
  at("paper").addEventListener("input", () => { view.paper = Number(at("paper").value); view.draw(); });
  at("divider").addEventListener("input", () => { view.divider = Number(at("divider").value); view.draw(); });
  wireCanvas();
  wireKeys();
  wireDrops();
}

function wireCanvas() {
  const canvas = at("canvas");
  canvas.addEventListener("pointerdown", pointerDown);
  canvas.addEventListener("pointermove", pointerMove);
  canvas.addEventListener("pointerup", pointerUp);
  canvas.addEventListener("pointercancel", pointerUp);
  canvas.addEventListener("pointerleave", () => { view.cursor = null; view.draw(); });
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    const { left, top } = view.place(event);
    view.zoom(Math.exp(-event.deltaY / 500), left, top);
  }, { passive: false });
}

function wireKeys() {
  document.addEventListener("keydown", (event) => {
    if (!layers || at("editor").hidden || busy || at("together").open) return;
    const key = event.key.toLowerCase();
    if ((event.ctrlKey || event.metaKey) && (key === "z" || key === "y")) {
      event.preventDefault();
      at(key === "y" || event.shiftKey ? "redo" : "undo").click();
    } else if (event.ctrlKey || event.metaKey || event.altKey) {
      return;
    } else if (key === " " && document.activeElement === at("canvas")) {
      event.preventDefault();
      spaceHeld = true;
    } else if (KEYS[key]) select(KEYS[key]);
    else if (key === "+" || key === "=") view.zoom(1.4);
    else if (key === "-") view.zoom(1 / 1.4);
    else if (key === "0") view.fit();
  });
  document.addEventListener("keyup", (event) => { if (event.key === " ") spaceHeld = false; });
}

function wireDrops() {
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    const [file] = event.dataTransfer.files;
    if (file) openFile(file);
  });
  document.addEventListener("paste", (event) => {
    const [file] = event.clipboardData.files;
    if (file) openFile(file);
  });
}

async function welcome() {
  limits = await about();
  at("model").textContent = limits.model;
  [at("sigma").min, at("sigma").max] = limits.sigmas;
  setValue("sigma", limits.sigma);
  at("sigma").disabled = limits.sigma_is_fixed;
  at("sigma-reason").hidden = !limits.sigma_is_fixed;
  at("samples").replaceChildren(...limits.samples.map((name) => {
    const button = document.createElement("button");
    const image = new Image();
    image.src = `sample?name=${encodeURIComponent(name)}`;
    image.alt = name.replace(/[._].*/, "");
    button.append(image);
    button.addEventListener("click", () => openSample(name));
    return button;
  }));
}

wire();
attempt("Starting", welcome);
