// Asks the server. Photos have names there that only this page knows; one that had to go
// is sent again.

async function asked(path, query, body, type) {
  const url = `${path}?${new URLSearchParams(query)}`;
  let response;
  try {
    response = await fetch(url, { method: "POST", body, headers: { "Content-Type": type } });
  } catch {
    throw new Error("The editor's server does not respond: is it still running?");
  }
  if (response.ok) return response;
  const { error } = await response.json();
  throw Object.assign(new Error(error), { status: response.status });
}

export async function about() {
  return (await fetch("about")).json();
}

export class ServedPhoto {
  static async open(file, limits) {
    if (file.size > limits.max_bytes) {
      throw new Error(`${file.name} is larger than ${limits.max_bytes / 2 ** 20} MB: make it smaller first`);
    }
    return new ServedPhoto(() => asked("photo", { name: file.name }, file, "application/octet-stream"), file).send();
  }

  static async sample(name, limits) {
    const response = await fetch(`sample?${new URLSearchParams({ name })}`);
    return ServedPhoto.open(new File([await response.blob()], name), limits);
  }

  constructor(put, file) {
    this.put = put;
    this.file = file;
  }

  async send() {
    const { photo, width, height, has_hole: hasHole } = await (await this.put()).json();
    return Object.assign(this, { name: photo, width, height, hasHole });
  }

  // `headers` are those of the last answer.
  async ask(path, query = {}, body = "", type = "image/png") {
    const once = () => asked(path, { photo: this.name, ...query }, body, type);
    const response = await once().catch(async (error) => {
      if (error.status !== 410) throw error;
      await this.send();
      return once();
    });
    this.headers = response.headers;
    return response.blob();
  }

  // How many regions have run, of how many; empty where none is counted.
  async progress() {
    try {
      return await (await fetch(`progress?photo=${this.name}`)).json();
    } catch {
      return {};
    }
  }

  // What the browser shows: its own reading of the file where it has one.
  async picture() {
    if (this.file instanceof Blob) {
      try {
        const bitmap = await createImageBitmap(this.file);
        if (bitmap.width === this.width && bitmap.height === this.height) return bitmap;
      } catch { /* a kind that this browser cannot read */ }
    }
    const response = await fetch(`photo?photo=${this.name}`);
    if (!response.ok) throw new Error((await response.json()).error);
    return createImageBitmap(await response.blob());
  }
}
