// Pictures: canvases, and their pixels.

export const PENCIL = "rgb(201 42 42)";

export function newCanvas(width, height) {
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext("2d", { willReadFrequently: true });
  return canvas;
}

export const pen = (canvas) => canvas.getContext("2d");

// Edges as white on black -> a picture of them whose alpha counts.
export function asLines(gray, width, height) {
  const [r, g, b] = PENCIL.match(/\d+/g).map(Number);
  const pixels = new ImageData(width, height);
  for (let i = 0; i < gray.length; i += 4) pixels.data.set([r, g, b, gray[i]], i);
  const canvas = newCanvas(width, height);
  pen(canvas).putImageData(pixels, 0, 0);
  return canvas;
}

// A picture -> its pixels, transparent ones as black: four bytes each.
export async function pixelsOf(blob, width, height) {
  const bitmap = await createImageBitmap(blob);
  if (width && (bitmap.width !== width || bitmap.height !== height)) {
    throw new Error(`This image is ${bitmap.width} × ${bitmap.height}, but the photo is ${width} × ${height}`);
  }
  const canvas = newCanvas(bitmap.width, bitmap.height);
  const context = pen(canvas);
  context.fillRect(0, 0, bitmap.width, bitmap.height);
  context.drawImage(bitmap, 0, 0);
  return context.getImageData(0, 0, bitmap.width, bitmap.height);
}

// The same, grey in the first byte.
export async function grayOf(blob, width, height) {
  const picture = await pixelsOf(blob, width, height);
  const { data } = picture;
  for (let i = 0; i < data.length; i += 4) data[i] = (data[i] + data[i + 1] + data[i + 2]) / 3;
  return picture;
}
