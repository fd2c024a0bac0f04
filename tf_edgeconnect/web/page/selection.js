// Selecting a thing: what a person marks, sent to the server, which finds its outline.

// A drag that comes back is a loop, any other the diagonal of a rectangle.
export function marked(path) {
  const { left, top, right, bottom } = boundsOf(path, 0);
  const [from, to] = [path[0], path.at(-1)];
  const isLoop = Math.hypot(to.x - from.x, to.y - from.y) < Math.hypot(right - left, bottom - top) / 2;
  return isLoop ? path : corners(from, to);
}

export const corners = (from, to) => [from, { x: to.x, y: from.y }, to, { x: from.x, y: to.y }];

export function boundsOf(points, beyond) {
  const [xs, ys] = [points.map(({ x }) => x), points.map(({ y }) => y)];
  const least = (values) => values.reduce((a, b) => Math.min(a, b)) - beyond;
  const most = (values) => values.reduce((a, b) => Math.max(a, b)) + beyond;
  return { left: least(xs), top: least(ys), right: most(xs), bottom: most(ys) };
}

// Selects what lies in `around`, by further strokes; `before` is what the same thing was
// before the last of them.
export async function select(photo, layers, { around, strokes }, before) {
  const pairs = (points) => points.map(({ x, y }) => [x, y]);
  const marks = { around: pairs(around), strokes: strokes.map((s) => ({ ...s, points: pairs(s.points) })) };
  const margin = Math.max(2, Math.round(Math.min(photo.width, photo.height) / 150));
  const mask = await photo.ask("select", { margin }, JSON.stringify(marks), "application/json");
  // The server looks less far beyond what is marked.
  const points = [around, ...strokes.map((stroke) => stroke.points)].flat();
  const { left, right, top, bottom } = boundsOf(points, 0);
  const beyond = Math.max((right - left) / 4, (bottom - top) / 4, ...strokes.map((stroke) => 1.5 * stroke.size));
  const area = layers.clip(boundsOf(points, beyond + margin + 4));
  const picture = await createImageBitmap(mask, area.x, area.y, area.width, area.height);
  layers.takeSelection({ around, strokes, picture, area }, before);
}
