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
  const [x, y] = ["X-Left", "X-Top"].map((name) => Number(photo.headers.get(name)));
  const picture = await createImageBitmap(mask);
  const area = { x, y, width: picture.width, height: picture.height };
  layers.takeSelection({ around, strokes, picture, area }, before);
}
