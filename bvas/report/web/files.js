// Files of a page: what is saved and loaded, and what the browser keeps in between.

class Files {
  constructor(app, corrections) {
    Object.assign(this, { app, corrections });
    this.shelf = new Shelf(`${app.data.labelling ? "bvas-labels" : "bvas-corrections"} ${app.data.id}`);
    this.saver = new Saver();
    this.isUnsaved = false;
    this.others = []; // kept videos that this page does not show; a label page is made again for others
  }

  // Puts back what the browser has kept from the last visit.
  restore() {
    const kept = this.shelf.read();
    if (!kept) return;
    try {
      const text = `From your last visit: ${this.corrections.load(kept)}.`;
      if (this.app.page === "label") this.app.warn(text);
      else this.app.say(text);
    } catch {
      // Of another version of this page.
    }
    this.others = (kept.videos ?? []).filter((entry) => !this.app.videos.some((video) => isAbout(entry, video)));
    this.corrections.done = [];
  }

  // When the page is left: whether something would be lost.
  leave() {
    this.shelf.flush();
    // What the browser keeps is not lost.
    return this.isUnsaved && !this.shelf.read();
  }

  async save() {
    const { data, videos, page } = this.app;
    const isLabels = page === "label";
    const content = isLabels ? datasetOf(data, videos) : this.corrections.toJson();
    const name = await this.saveFile(isLabels ? data.labelling.file : "corrections.json", content);
    if (name === null) return;
    this.isUnsaved = false;
    if (!isLabels) return;
    this.corrections.markSaved();
    this.keep();
  }

  saveSoccerNet() {
    const { data, video } = this.app;
    return this.saveFile("Labels-ball.json", soccerNetOf(video, data.labels));
  }

  async saveFile(name, content) {
    const saved = await this.saver.save(name, `${JSON.stringify(content, null, 2)}\n`);
    if (saved !== null) this.app.say(`Saved as ${saved}.`);
    return saved;
  }

  async load(input) {
    try {
      let content = JSON.parse(await input.files[0].text());
      if (this.app.page === "label") content = correctionsOf(content, this.app.data, this.app.videos);
      this.app.say(`${this.corrections.load(content)}.`);
    } catch (error) {
      this.app.warn(`Not loaded: ${error.message}.`);
    }
    input.value = "";
  }

  // Keeps what was done in the browser.
  keep() {
    this.shelf.write(() => {
      const content = this.corrections.toJson();
      return JSON.stringify({ ...content, videos: [...content.videos, ...this.others] });
    });
  }
}
