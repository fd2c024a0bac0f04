// The editor's page: its controls and what they do. `lines` in names and ids are edges.

import { Layers } from "./layers.js";
import { asLines, grayOf, pixelsOf } from "./pictures.js";
import { watchPointers } from "./pointers.js";
import { boundsOf, corners, marked, select } from "./selection.js";
import { about, ServedPhoto } from "./server.js";
import { View } from "./view.js";

const at = (id) => document.getElementById(id);
const all = (selector) => [...document.querySelectorAll(selector)];
const CORRECTIONS = { add: "rgb(43 138 62 / .7)", remove: "rgb(201 42 42 / .7)" };
const LINE_TOOLS = ["pencil", "rubber"];
const SIZED = ["brush", "uncover", ...LINE_TOOLS, ...Object.keys(CORRECTIONS)];

const view = new View(at("canvas"));
let limits = null;
let photo = null; // as the server knows it
let layers = null;
let variants = [];
let shown = null; // the variant on the stage
let tool = "select";
let busy = false;
let atHome = true;

// ---- one action at a time, and its status line

async function attempt(what, action) {
  if (busy) return;
  setBusy(true);
  at("trouble").hidden = true;
  const since = performance.now();
  at("progress").removeAttribute("value");
  at("status").textContent = `${what}…`;
  const clock = setInterval(async () => {
    const { done, of } = photo ? await photo.progress() : {};
    if (!busy) return;
    const seconds = `${Math.round((performance.now() - since) / 1000)} s`;
    at("status").textContent = `${what}… ${of ? `${done} of ${of} regions, ` : ""}${seconds}`;
    if (of) Object.assign(at("progress"), { max: of, value: done });
  }, 500);
  try {
    at("status").textContent = asSentence((await action()) || "");
  } catch (error) {
    at("status").textContent = "";
    at("trouble").textContent = `${asSentence(error.message)}.`;
    at("trouble").hidden = false;
  } finally {
    clearInterval(clock);
    setBusy(false);
  }
}

const asSentence = (text) => text.replace(/^./, (first) => first.toUpperCase()).replace(/\.$/, "");

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
  for (const id of ["keep-photo", "copy"]) at(id).disabled ||= shown === null;
  at("transparent").hidden = !photo?.hasHole;
  at("refine").hidden = !layers?.facts.selection;
  if (at("refine").hidden && tool in CORRECTIONS) tool = "select";
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

function openFiles(id) {
  at(id).value = "";
  at(id).click();
}

function openFile(file) {
  return attempt("Opening the photo", async () => {
    await begin(await ServedPhoto.open(file, limits));
    return "Drag around an object to select it, or paint over the area to fill";
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
  setRange("feather", 0, Math.max(8, Math.round(side / 50)));
  setRange("pencil-size", Math.max(1, Math.round(side / 250)), Math.max(12, Math.round(side / 25)));
  atHome = false;
  refresh(); // the stage has a size from now on
  view.resize();
  view.open(picture, layers);
  choose("select");
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

// ---- selecting, growing and shrinking

function selectMarked(path) {
  const { left, right, top, bottom } = boundsOf(path, 0);
  const area = layers.clip({ left, right, top, bottom });
  if (area && right - left > 2 && bottom - top > 2) selectBy({ around: marked(path), strokes: [] });
}

function correctSelection(points) {
  const { selection } = layers.facts;
  const correction = { adds: tool === "add", size: sizeOf(tool), points };
  selectBy({ ...selection, strokes: [...selection.strokes, correction] }, selection);
}

function selectBy(marks, before) {
  attempt("Selecting", async () => {
    await select(photo, layers, marks, before);
    return "Add or remove what it got wrong; then fill";
  });
}

async function changeHole(query, picture = "") {
  const mask = await photo.ask("mask", query, await picture);
  layers.takeHole(await createImageBitmap(mask));
  view.compare = false;
  return decodeURIComponent(photo.headers.get("X-Note"));
}

function growHole(direction) {
  const pixels = Math.max(1, Math.round(Math.min(photo.width, photo.height) / 250));
  attempt("Changing the hole", () => changeHole({ grow: direction * pixels }, layers.holePicture()));
}

// ---- edges and filling

const sigma = () => ({ sigma: at("sigma").value });

async function findLines() {
  if (layers.isEmpty()) throw new Error("There is no hole yet: paint over what to fill");
  const blob = await photo.ask("edges", sigma(), await layers.sketch());
  const thick = Math.max(1, Math.min(photo.width, photo.height) / 800);
  layers.takeFound((await pixelsOf(blob, photo.width, photo.height)).data, thick);
  view.linesShown = true;
}

async function fill() {
  if (layers.isEmpty()) throw new Error("There is no hole yet: paint over what to fill");
  const predicted = layers.isPredicted ? 1 : 0; // nobody drew: the server predicts the edges
  const query = { ...sigma(), feather: at("feather").value, predicted };
  const blob = await photo.ask("fill", query, await layers.sketch());
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

async function copy() {
  if (!navigator.clipboard) throw new Error("Browsers copy only from localhost or over HTTPS: save the photo");
  await navigator.clipboard.write([new ClipboardItem({ [shown.blob.type]: shown.blob })]);
  return "Copied";
}

function download(blob, ending) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `${photo.file.name.replace(/\.[^.]*$/, "")}_${ending}.png`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

// ---- strokes

let stroke = null; // what is being done, with which tool

const drawing = {
  begin(here, { moves, erases }) {
    if (!layers || busy) return false;
    const eraser = LINE_TOOLS.includes(tool) ? "rubber" : "uncover";
    stroke = { action: actionOf(moves), tool: erases ? eraser : tool };
    if (stroke.action === "draw") {
      if (LINE_TOOLS.includes(stroke.tool)) view.linesShown = true;
      drawTo(here, here);
    } else if (stroke.action === "compare") moveDivider(here);
    return true;
  },

  move(here, before, places, path) {
    const { action } = stroke;
    if (action === "pan") view.pan(here.left - before.left, here.top - before.top);
    if (action === "place") {
      view.sketch.x += here.x - before.x;
      view.sketch.y += here.y - before.y;
    }
    if (action === "compare") moveDivider(here);
    if (action === "rectangle") view.outline = corners(path[0], here);
    if (action === "select") view.outline = marked(path);
    if (action === "correct") view.trail = { points: path, size: sizeOf(tool), colour: CORRECTIONS[tool] };
    if (action === "draw") places.forEach((place, i) => drawTo(i ? places[i - 1] : before, place));
  },

  end(path) {
    const { action } = stroke;
    if (action === "rectangle") layers.rectangle(path[0], path.at(-1));
    if (action === "select") selectMarked(path);
    if (action === "correct") correctSelection(path);
    layers.commit();
    endStroke();
  },

  giveUp() {
    layers.revert();
    endStroke();
  },

  hover(here) {
    const hasCursor = here && layers && SIZED.includes(tool) && !view.compare && !view.sketch;
    view.cursor = hasCursor ? { ...here, size: sizeOf(tool) } : null;
    view.draw();
  },
};

function actionOf(moves) {
  if (moves) return "pan";
  if (view.sketch) return "place";
  if (view.compare) return "compare";
  if (tool in CORRECTIONS) return "correct";
  return { hand: "pan", rectangle: "rectangle", select: "select" }[tool] || "draw";
}

function endStroke() {
  view.outline = view.trail = stroke = null;
  refresh();
}

function sizeOf(name) {
  if (LINE_TOOLS.includes(name)) return Number(at("pencil-size").value);
  return at("brush-size").value / (name in CORRECTIONS ? 4 : 1); // what they mark is thin
}

function drawTo(from, to) {
  layers.stroke(stroke.tool, from, to, sizeOf(stroke.tool));
  view.draw();
}

function moveDivider({ x }) {
  view.divider = Math.min(1, Math.max(0, x / layers.width));
  at("divider").value = view.divider;
  view.draw();
}

function choose(name) {
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
    if (error instanceof DOMException) throw new Error(`${file.name} is not an image that the browser can read`);
    throw new Error(`${file.name}: ${error.message}`);
  }
}

function wire() {
  for (const input of all("input[type=range]")) {
    const output = input.parentElement.querySelector("output");
    input.addEventListener("input", () => { if (output) output.textContent = input.value; });
    input.dispatchEvent(new Event("input"));
  }
  for (const button of all("[aria-keyshortcuts]")) {
    const key = keysOf(button)[0].replace("Control", "Ctrl");
    button.title = `${button.title || button.textContent} (${key})`;
  }
  for (const button of all("[data-tool]")) button.addEventListener("click", () => choose(button.dataset.tool));
  onClick("open", () => openFiles("photo-file"));
  onClick("drop", () => openFiles("photo-file"));
  onClick("home", () => { atHome = !atHome; });
  onClick("find", () => attempt("Finding edges", async () => {
    await findLines();
    choose("pencil");
    return "Draw or erase edges inside the hole; then fill";
  }));
  onClick("fill", () => attempt("Filling", fill));
  onClick("undo", () => { view.compare = false; layers.undo(); });
  onClick("redo", () => { view.compare = false; layers.redo(); });
  onClick("invert", () => { view.compare = false; layers.invertHole(); });
  onClick("clear-hole", () => { view.compare = false; layers.clear("hole", "lines"); });
  onClick("clear-lines", () => { view.compare = false; view.linesShown = true; layers.clear("lines"); });
  onClick("grow", () => growHole(1));
  onClick("shrink", () => growHole(-1));
  onClick("transparent", () => attempt("Reading the transparency", () => changeHole({})));
  onClick("copy", () => attempt("Copying", copy));
  onClick("load-mask", () => openFiles("mask-file"));
  onClick("load-lines", () => openFiles("lines-file"));
  onClick("transfer", () => openFiles("sketch-file"));
  onClick("put", putSketch);
  onClick("cancel", () => { view.sketch = null; });
  onClick("smaller", () => view.zoom(1 / 1.4));
  onClick("larger", () => view.zoom(1.4));
  onClick("fit", () => view.fit());
  onClick("edit-again", () => {
    choose(tool);
    view.linesShown = true;
    if (layers.isPredicted) attempt("Finding edges", findLines);
  });
  onClick("side-by-side", showTogether);
  onClick("keep-photo", () => download(shown.blob, "filled"));
  onClick("keep-mask", async () => download(await layers.holePicture(), "mask"));
  onClick("keep-lines", async () => download(await layers.linesPicture(), "edges"));
  at("photo-file").addEventListener("change", () => {
    if (at("photo-file").files.length) openFile(at("photo-file").files[0]);
  });
  onFile("mask-file", "Loading the mask", async (file) => {
    const note = await changeHole({ name: file.name }, file); // as `inpaint` reads it
    choose("brush");
    return note;
  });
  onFile("lines-file", "Loading the edges", async (file) => {
    if (layers.isEmpty()) throw new Error("Only edges inside the hole count: load the mask first, or paint a hole");
    layers.takeDrawn(await readable(file));
    view.linesShown = true;
    choose("pencil");
  });
  onFile("sketch-file", "Finding the other photo's edges", beginTransfer);
  at("sketch-size").addEventListener("change", () =>
    attempt("Finding edges at this size", () => scaleSketch(Number(at("sketch-size").value))));
  at("paper").addEventListener("input", () => { view.paper = Number(at("paper").value); view.draw(); });
  at("divider").addEventListener("input", () => { view.divider = Number(at("divider").value); view.draw(); });
  watchPointers(at("canvas"), view, drawing);
  wireKeys();
  wireDrops();
}

const keysOf = (button) => button.getAttribute("aria-keyshortcuts").split(" ");

function wireKeys() {
  document.addEventListener("keydown", (event) => {
    if (!layers || at("editor").hidden || busy || event.altKey || at("together").open) return;
    const key = event.key.length === 1 ? event.key.toUpperCase() : event.key;
    const held = event.ctrlKey || event.metaKey ? `Control+${event.shiftKey ? "Shift+" : ""}` : "";
    const button = all("[aria-keyshortcuts]").find((one) => keysOf(one).includes(held + key));
    if (!button || button.disabled || !button.offsetParent) return;
    event.preventDefault();
    button.click();
  });
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
  at("model").textContent = limits.model.replace(/^\/.*\//, ""); // folders
  at("model").title = limits.model;
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
