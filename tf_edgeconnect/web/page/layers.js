// What a person changes: the hole and the edges (`lines`) inside it, at the photo's own
// size. Both are canvases whose alpha counts; an edge's colour shows its origin. Lines of
// predicted edges are shown opaque: how strong they are is in `facts.found`.

import { newCanvas, pen, PENCIL } from "./pictures.js";

const HOLE = "rgb(255 107 74)";
const PREDICTED = [28, 100, 242];
const SOFT = [126, 166, 255]; // predicted, beside a line
const KNOWN = [18, 22, 28];
const REACH = 127; // at most so far from a line is what belongs to it
const UNDO_BYTES = 2 ** 28;

export class Layers {
  constructor(width, height) {
    Object.assign(this, { width, height });
    for (const name of ["hole", "lines", "known"]) this[name] = newCanvas(width, height);
    // As the last commit left them, for undo.
    this.saved = { hole: newCanvas(width, height), lines: newCanvas(width, height) };
    this.undone = [];
    this.done = [];
    this.dirty = null;
    this.facts = {
      touched: false, // a person has changed the edges
      holeChanged: true, // since edges were found
      found: null, // predicted edges, and of each pixel the way to its line
      selection: null, // what was marked last, and its mask
    };
  }

  // The edges are still to be predicted.
  get isPredicted() { return this.facts.holeChanged && !this.facts.touched; }

  // Facts are replaced, never changed: undo brings back old ones.
  note(facts) { this.facts = { ...this.facts, ...facts }; }

  // Draws a segment of a stroke; `tool` is brush, uncover, pencil or rubber.
  stroke(tool, from, to, size) {
    const r = size / 2 + 2;
    const area = this.clip({
      left: Math.min(from.x, to.x) - r, top: Math.min(from.y, to.y) - r,
      right: Math.max(from.x, to.x) + r, bottom: Math.max(from.y, to.y) + r,
    });
    if (!area) return;
    const draw = (context) => {
      context.lineCap = "round";
      context.lineWidth = size;
      context.beginPath();
      context.moveTo(from.x, from.y);
      context.lineTo(to.x, to.y);
      context.stroke();
    };
    if (tool === "brush") this.paint(this.hole, HOLE, draw);
    if (tool === "uncover") this.erase([this.hole, this.lines], draw);
    if (tool === "rubber") {
      this.erase([this.lines], draw);
      this.clearAround(area);
    }
    if (tool === "pencil") {
      this.insideHole(area, (context) => {
        context.strokeStyle = PENCIL;
        draw(context);
      });
    }
    this.mark(area, tool === "pencil" || tool === "rubber");
  }

  rectangle(from, to) {
    const area = this.clip({
      left: Math.min(from.x, to.x), top: Math.min(from.y, to.y),
      right: Math.max(from.x, to.x), bottom: Math.max(from.y, to.y),
    });
    if (!area) return;
    this.paint(this.hole, HOLE, (c) => c.fillRect(area.x, area.y, area.width, area.height));
    this.mark(area, false);
  }

  // Puts a picture of edges (their alpha counts) into the hole.
  stamp(picture, place) {
    const area = this.clip({
      left: place.x, top: place.y, right: place.x + place.width, bottom: place.y + place.height,
    });
    if (!area) return;
    this.insideHole(area, (c) => c.drawImage(picture, place.x, place.y, place.width, place.height));
    this.mark(area, true);
  }

  paint(canvas, colour, draw) {
    const context = pen(canvas);
    context.globalCompositeOperation = "source-over";
    context.strokeStyle = context.fillStyle = colour;
    draw(context);
  }

  erase(canvases, draw) {
    for (const canvas of canvases) {
      pen(canvas).globalCompositeOperation = "destination-out";
      draw(pen(canvas));
    }
  }

  insideHole(area, draw) {
    const part = newCanvas(area.width, area.height);
    const context = pen(part);
    context.translate(-area.x, -area.y);
    draw(context);
    context.globalCompositeOperation = "destination-in";
    context.drawImage(this.hole, 0, 0);
    pen(this.lines).globalCompositeOperation = "source-over";
    pen(this.lines).drawImage(part, area.x, area.y);
  }

  clip({ left, top, right, bottom }) {
    const x = Math.max(0, Math.floor(left));
    const y = Math.max(0, Math.floor(top));
    const width = Math.min(this.width, Math.ceil(right)) - x;
    const height = Math.min(this.height, Math.ceil(bottom)) - y;
    return width > 0 && height > 0 ? { x, y, width, height } : null;
  }

  mark(area, touched) {
    const d = this.dirty || { ...area, touched: false };
    const x = Math.min(d.x, area.x);
    const y = Math.min(d.y, area.y);
    this.dirty = {
      x, y, touched: touched || d.touched,
      width: Math.max(d.x + d.width, area.x + area.width) - x,
      height: Math.max(d.y + d.height, area.y + area.height) - y,
    };
  }

  markAll(touched) {
    this.mark({ x: 0, y: 0, width: this.width, height: this.height }, touched);
  }

  // Ends a stroke: what it changed can be undone.
  commit() {
    const area = this.dirty;
    if (!area) return false;
    this.dirty = null;
    const step = { area, before: this.cut(this.saved, area), after: this.cut(this, area), facts: this.facts };
    this.note(area.touched ? { touched: true } : { holeChanged: true });
    this.put(this.saved, area, step.after);
    this.done.push(step);
    this.undone = [];
    let bytes = 0;
    for (let i = this.done.length - 1; i >= 0; i -= 1) {
      bytes += 16 * this.done[i].area.width * this.done[i].area.height;
      if (bytes > UNDO_BYTES && i < this.done.length - 1) {
        this.done.splice(0, i + 1);
        break;
      }
    }
    return true;
  }

  // Gives up a stroke.
  revert() {
    if (this.dirty) this.put(this, this.dirty, this.cut(this.saved, this.dirty));
    this.dirty = null;
  }

  undo() { this.step(this.done, this.undone, "before"); }

  redo() { this.step(this.undone, this.done, "after"); }

  step(from, to, which) {
    const step = from.pop();
    if (!step) return;
    const { facts } = this;
    for (const layers of [this, this.saved]) this.put(layers, step.area, step[which]);
    this.facts = step.facts;
    to.push({ ...step, facts });
  }

  cut(layers, { x, y, width, height }) {
    const of = (canvas) => pen(canvas).getImageData(x, y, width, height);
    return { hole: of(layers.hole), lines: of(layers.lines) };
  }

  put(layers, { x, y }, data) {
    pen(layers.hole).putImageData(data.hole, x, y);
    pen(layers.lines).putImageData(data.lines, x, y);
  }

  all(canvas) {
    return pen(canvas).getImageData(0, 0, this.width, this.height);
  }

  // Takes the server's edges: known ones outside the hole, predicted ones inside. Red
  // holds them; green and blue the way to the nearest line, + 128, or 0. Lines are drawn
  // `thick` pixels wide, so that they can be seen.
  takeFound(found, thick) {
    const nearLine = (i) => found[i + 1] && Math.hypot(found[i + 1] - 128, found[i + 2] - 128) < thick;
    this.takeLines(found, (i) => (nearLine(i) ? [...PREDICTED, 255] : [...SOFT, found[i]]), true);
    this.markAll(false);
    this.commit();
    this.note({ touched: false, holeChanged: false, found });
  }

  // Takes edges from a file: those inside the hole count.
  takeDrawn(gray) {
    const colour = PENCIL.match(/\d+/g).map(Number);
    this.takeLines(gray, (i) => [...colour, gray[i]], false);
    this.markAll(true);
    this.commit();
    this.note({ holeChanged: false, found: null });
  }

  takeLines(gray, colour, withKnown) {
    const hole = this.all(this.hole).data;
    const inside = new ImageData(this.width, this.height);
    const outside = new ImageData(this.width, this.height);
    for (let i = 0; i < hole.length; i += 4) {
      const isHole = hole[i + 3] > 127;
      const pixels = (isHole ? inside : outside).data;
      if (gray[i]) pixels.set(isHole ? colour(i) : [...KNOWN, gray[i]], i);
    }
    pen(this.lines).putImageData(inside, 0, 0);
    if (withKnown) pen(this.known).putImageData(outside, 0, 0);
  }

  // Clears what the generator drew softly around lines that were erased in an area.
  clearAround({ x, y, width, height }) {
    const { found } = this.facts;
    if (!found) return;
    const wide = this.clip({ left: x - REACH, top: y - REACH, right: x + width + REACH, bottom: y + height + REACH });
    const part = pen(this.lines).getImageData(wide.x, wide.y, wide.width, wide.height);
    const alpha = (column, row) => part.data[4 * ((row - wide.y) * wide.width + column - wide.x) + 3];
    const isIn = (at, from, length) => at >= from && at < from + length;
    for (let i = 0; i < part.data.length; i += 4) {
      const column = wide.x + ((i / 4) % wide.width);
      const row = wide.y + Math.floor(i / 4 / wide.width);
      const at = 4 * (row * this.width + column);
      const [lineColumn, lineRow] = [column + found[at + 1] - 128, row + found[at + 2] - 128];
      if (part.data[i + 3] && found[at + 1] && isIn(lineColumn, x, width) && isIn(lineRow, y, height)
        && !alpha(lineColumn, lineRow)) part.data[i + 3] = 0;
    }
    pen(this.lines).putImageData(part, wide.x, wide.y);
    this.mark(wide, true);
  }

  // Takes a picture whose opaque part is the hole.
  takeHole(picture) {
    const context = pen(this.hole);
    context.globalCompositeOperation = "copy";
    context.drawImage(picture, 0, 0);
    context.globalCompositeOperation = "source-in";
    context.fillStyle = HOLE;
    context.fillRect(0, 0, this.width, this.height);
    this.keepEdgesInHole();
    this.markAll(false);
    this.commit();
  }

  keepEdgesInHole() {
    const context = pen(this.lines);
    context.globalCompositeOperation = "destination-in";
    context.drawImage(this.hole, 0, 0);
  }

  // Takes what was selected: what was marked, the area of the photo it lies in and the
  // picture of that area whose opaque part is the thing. `before` is what the same thing
  // was before its last correction: the hole changes only where they differ.
  takeSelection(selection, before) {
    this.mark(selection.area, false);
    if (before) this.mark(before.area, false);
    const area = this.dirty;
    const differing = (one, other) => {
      const part = newCanvas(area.width, area.height);
      const context = pen(part);
      context.drawImage(one.picture, one.area.x - area.x, one.area.y - area.y);
      context.globalCompositeOperation = "destination-out";
      if (other) context.drawImage(other.picture, other.area.x - area.x, other.area.y - area.y);
      context.globalCompositeOperation = "source-in";
      context.fillStyle = HOLE;
      context.fillRect(0, 0, area.width, area.height);
      return part;
    };
    const put = (part) => (context) => context.drawImage(part, area.x, area.y);
    this.paint(this.hole, HOLE, put(differing(selection, before)));
    if (before) this.erase([this.hole, this.lines], put(differing(before, selection)));
    this.commit();
    this.note({ selection });
  }

  invertHole() {
    pen(this.lines).clearRect(0, 0, this.width, this.height);
    const context = pen(this.hole);
    context.globalCompositeOperation = "source-out";
    context.fillStyle = HOLE;
    context.fillRect(0, 0, this.width, this.height);
    this.markAll(false);
    this.commit();
  }

  clear(...names) {
    for (const name of names) pen(this[name]).clearRect(0, 0, this.width, this.height);
    this.markAll(!names.includes("hole"));
    this.commit();
  }

  isEmpty() {
    const hole = this.all(this.hole).data;
    for (let i = 3; i < hole.length; i += 4) if (hole[i] > 127) return false;
    return true;
  }

  // What the server expects: red is the edges, green the hole.
  sketch() {
    return this.picture((pixels, i, isHole, line) => {
      pixels[i] = line;
      pixels[i + 1] = isHole ? 255 : 0;
    });
  }

  holePicture() {
    return this.picture((pixels, i, isHole) => pixels.fill(isHole ? 255 : 0, i, i + 3));
  }

  linesPicture() {
    return this.picture((pixels, i, isHole, line, known) => pixels.fill(isHole ? line : known, i, i + 3));
  }

  picture(paint) {
    const [hole, lines, known] = ["hole", "lines", "known"].map((name) => this.all(this[name]).data);
    const { found } = this.facts;
    const isPredicted = (i) => found && PREDICTED.every((value, channel) => lines[i + channel] === value);
    const picture = new ImageData(this.width, this.height);
    const pixels = picture.data;
    for (let i = 0; i < pixels.length; i += 4) {
      const line = lines[i + 3] && isPredicted(i) ? found[i] : lines[i + 3];
      paint(pixels, i, hole[i + 3] > 127, line, known[i + 3]);
      pixels[i + 3] = 255;
    }
    const canvas = newCanvas(this.width, this.height);
    pen(canvas).putImageData(picture, 0, 0);
    return canvas.convertToBlob({ type: "image/png" });
  }

  // The state as a variant keeps it, and back.
  async keep() {
    const [hole, lines] = await Promise.all(
      [this.hole, this.lines].map((canvas) => canvas.convertToBlob({ type: "image/png" })));
    return { hole, lines, facts: this.facts };
  }

  async restore(kept) {
    for (const name of ["hole", "lines"]) {
      const picture = await createImageBitmap(kept[name]);
      const context = pen(this[name]);
      context.globalCompositeOperation = "copy";
      context.drawImage(picture, 0, 0);
      context.globalCompositeOperation = "source-over";
    }
    this.markAll(true);
    this.commit();
    this.note(kept.facts);
  }
}
