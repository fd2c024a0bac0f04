// Turns what mouse, pen and fingers do on the canvas into strokes; two fingers move and
// zoom, and so does one beside a pen.
//
// `on` has begin(here, how), move(here, before, places), end(path), giveUp() and
// hover(here). `how` says whether the stroke moves the photo, and whether it is drawn
// with a pen's other end, which erases. Places are those of `View.place`.

export function watchPointers(canvas, view, on) {
  const fingers = new Map();
  let path = null; // of the stroke
  let owner = null; // the pointer that draws it
  let penSeen = false;
  let spaceHeld = false;

  canvas.addEventListener("pointerdown", (event) => {
    if (![0, 1, 5].includes(event.button)) return;
    event.preventDefault();
    canvas.focus();
    canvas.setPointerCapture(event.pointerId);
    const here = view.place(event);
    const isTouch = event.pointerType === "touch";
    penSeen ||= event.pointerType === "pen";
    if (isTouch) fingers.set(event.pointerId, here);
    if (fingers.size > 1 && fingers.has(owner)) {
      if (path) on.giveUp();
      path = null;
    }
    if (path || fingers.size > 1) return;
    const moves = event.button === 1 || spaceHeld || (isTouch && penSeen);
    if (!on.begin(here, { moves, erases: event.button === 5 })) return;
    path = [here];
    owner = event.pointerId;
  });

  canvas.addEventListener("pointermove", (event) => {
    const here = view.place(event);
    on.hover(here);
    if (path && event.pointerId === owner) {
      const events = event.getCoalescedEvents?.() || [];
      const places = (events.length ? events : [event]).map((one) => view.place(one));
      const before = path.at(-1);
      path.push(...places);
      on.move(here, before, places, path);
    } else if (!path && fingers.size > 1 && fingers.has(event.pointerId)) pinch(event.pointerId, here);
    view.draw();
  });

  function pinch(finger, here) {
    const before = grip();
    fingers.set(finger, here);
    const after = grip();
    view.pan(after.left - before.left, after.top - before.top);
    view.zoom(after.apart / Math.max(1, before.apart), after.left, after.top);
  }

  function grip() {
    const [a, b] = [...fingers.values()];
    return {
      left: (a.left + b.left) / 2, top: (a.top + b.top) / 2,
      apart: Math.hypot(a.left - b.left, a.top - b.top),
    };
  }

  for (const name of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(name, (event) => {
      fingers.delete(event.pointerId);
      if (!path || event.pointerId !== owner) return;
      const ended = [...path, view.place(event)];
      path = null;
      if (name === "pointercancel") on.giveUp();
      else on.end(ended);
    });
  }
  canvas.addEventListener("pointerleave", () => on.hover(null));
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    const { left, top } = view.place(event);
    view.zoom(Math.exp(-event.deltaY / 500), left, top);
  }, { passive: false });
  for (const name of ["keydown", "keyup"]) {
    document.addEventListener(name, (event) => {
      if (event.key !== " ") return;
      if (name === "keyup") spaceHeld = false;
      if (document.activeElement !== canvas) return;
      event.preventDefault();
      if (name === "keydown") spaceHeld = true;
    });
  }
}
