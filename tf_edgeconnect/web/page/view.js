// Draws the photo and its layers: where, how large, and which of them.

import { corners } from "./selection.js";

const LARGEST = 32;
const FRAME = "rgb(201 42 42)";

export class View {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.scale = 1;
    this.x = this.y = 0;
    this.photo = this.layers = this.result = this.sketch = this.outline = this.trail = this.cursor = null;
    this.compare = false;
    this.divider = 1; // of the photo's width: before it after filling, behind it before
    this.paper = 0.6; // how much the white behind the edges hides of the photo
    this.linesShown = false;
    this.planned = false;
    new ResizeObserver(() => this.resize()).observe(canvas);
  }

  open(photo, layers) {
    Object.assign(this, { photo, layers, result: null, sketch: null, compare: false, linesShown: false });
    this.fit();
  }

  resize() {
    const ratio = window.devicePixelRatio;
    this.canvas.width = Math.round(this.canvas.clientWidth * ratio);
    this.canvas.height = Math.round(this.canvas.clientHeight * ratio);
    this.fit();
  }

  fit() {
    if (!this.layers) return;
    const { width, height } = this.canvas;
    this.scale = Math.min((width * 0.96) / this.layers.width, (height * 0.96) / this.layers.height, 8);
    this.x = (width - this.layers.width * this.scale) / 2;
    this.y = (height - this.layers.height * this.scale) / 2;
    this.draw();
  }

  // Zooms; the photo's point under (x, y), canvas pixels, stays there.
  zoom(factor, x = this.canvas.width / 2, y = this.canvas.height / 2) {
    const scale = Math.min(LARGEST, Math.max(0.02, this.scale * factor));
    this.x = x - ((x - this.x) * scale) / this.scale;
    this.y = y - ((y - this.y) * scale) / this.scale;
    this.scale = scale;
    this.draw();
  }

  pan(x, y) {
    this.x += x;
    this.y += y;
    this.draw();
  }

  // A pointer's place, in canvas pixels and in the photo's.
  place(event) {
    const box = this.canvas.getBoundingClientRect();
    const ratio = this.canvas.width / box.width;
    const left = (event.clientX - box.left) * ratio;
    const top = (event.clientY - box.top) * ratio;
    return { left, top, x: (left - this.x) / this.scale, y: (top - this.y) / this.scale };
  }

  draw() {
    if (this.planned) return;
    this.planned = true;
    requestAnimationFrame(() => {
      this.planned = false;
      this.render();
    });
  }

  render() {
    const { context: c, canvas, layers } = this;
    c.setTransform(1, 0, 0, 1, 0, 0);
    c.clearRect(0, 0, canvas.width, canvas.height);
    if (!layers) return;
    c.setTransform(this.scale, 0, 0, this.scale, this.x, this.y);
    c.imageSmoothingEnabled = this.scale < 2;
    c.imageSmoothingQuality = "high";
    c.drawImage(this.photo, 0, 0, layers.width, layers.height);
    if (this.compare && this.result) this.drawResult(c, layers);
    else this.drawLayers(c, layers);
  }

  drawResult(c, { width, height }) {
    const at = this.divider * width;
    c.save();
    c.beginPath();
    c.rect(0, 0, at, height);
    c.clip();
    c.clearRect(0, 0, at, height); // the result may be transparent
    c.drawImage(this.result, 0, 0, width, height);
    c.restore();
    const thick = (window.devicePixelRatio * 2) / this.scale;
    c.fillStyle = "white";
    c.fillRect(at - thick / 2, 0, thick, height);
    c.beginPath();
    c.arc(at, height / 2, 5 * thick, 0, 2 * Math.PI);
    c.fill();
  }

  drawLayers(c, { width, height, hole, lines, known }) {
    if (this.linesShown) {
      c.fillStyle = `rgb(255 255 255 / ${this.paper})`;
      c.fillRect(0, 0, width, height);
    }
    c.globalAlpha = this.linesShown ? 0.3 : 0.72;
    c.drawImage(hole, 0, 0);
    c.globalAlpha = 1;
    if (this.linesShown) {
      c.drawImage(known, 0, 0);
      c.drawImage(lines, 0, 0);
    }
    const thin = window.devicePixelRatio / this.scale;
    c.lineWidth = 1.5 * thin;
    if (this.sketch) {
      const { picture, x, y, width: w, height: h } = this.sketch;
      c.drawImage(picture, x, y, w, h);
      this.frame(c, corners({ x, y }, { x: x + w, y: y + h }), thin);
    }
    if (this.outline) this.frame(c, this.outline, thin);
    if (this.trail) {
      c.strokeStyle = this.trail.colour;
      c.lineWidth = this.trail.size;
      c.lineCap = c.lineJoin = "round";
      this.follow(c, this.trail.points);
      c.stroke();
    }
    if (this.cursor) {
      for (const [colour, wider] of [["white", 0], ["black", thin]]) {
        c.strokeStyle = colour;
        c.lineWidth = thin;
        c.beginPath();
        c.arc(this.cursor.x, this.cursor.y, this.cursor.size / 2 + wider, 0, 2 * Math.PI);
        c.stroke();
      }
    }
  }

  frame(c, points, thin) {
    c.strokeStyle = FRAME;
    c.setLineDash([6 * thin, 4 * thin]);
    this.follow(c, points);
    c.closePath();
    c.stroke();
    c.setLineDash([]);
  }

  follow(c, points) {
    c.beginPath();
    for (const { x, y } of points) c.lineTo(x, y);
  }
}
