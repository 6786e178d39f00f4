// Where corrections are kept and saved.

// Keeps corrections in the browser between visits; where it may not, they live as long as the page.
class Shelf {
  constructor(key) {
    this.key = key;
    this.timer = 0;
  }

  read() {
    try {
      return JSON.parse(localStorage.getItem(this.key));
    } catch {
      return null;
    }
  }

  // `text` is called when the hands have rested for a moment, or the page is left.
  write(text) {
    clearTimeout(this.timer);
    this.pending = text;
    this.timer = setTimeout(() => this.flush(), 300);
  }

  flush() {
    if (!this.pending) return;
    const text = this.pending();
    this.pending = null;
    try {
      localStorage.setItem(this.key, text);
    } catch {
      // Full or forbidden: the page still works, and saving a file too.
    }
  }
}

// Writes a file: to a place that the reader chose where the browser can, else as a download.
class Saver {
  constructor() {
    this.handles = {};
  }

  // Returns where it went, or null if the reader thought better of it.
  async save(name, text) {
    if (window.showSaveFilePicker) {
      try {
        this.handles[name] ??= await window.showSaveFilePicker({
          suggestedName: name,
          types: [{ description: "JSON", accept: { "application/json": [".json"] } }],
        });
        const file = await this.handles[name].createWritable();
        await file.write(text);
        await file.close();
        return this.handles[name].name;
      } catch (error) {
        if (error.name === "AbortError") return null;
        this.handles[name] = null;
      }
    }
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    return name;
  }
}
