// Files of the players page: saved, loaded, and kept in the browser in between.

class PlayersFiles {
  constructor(app) {
    this.app = app;
    this.name = app.mode === "choose" ? "rois.json" : "players_corrections.json";
    this.shelf = new Shelf(`bvas-players-${app.mode} ${app.data.id}`);
    this.saver = new Saver();
    this.isUnsaved = false;
  }

  // Puts back what the browser kept from the last visit, else what the page was made with.
  restore() {
    const kept = this.shelf.read() ?? this.app.data.given;
    if (!(kept?.rois ?? kept?.corrections)?.length) return;
    try {
      const what = this.app.editing.load(kept);
      if (kept !== this.app.data.given) this.app.say(`From your last visit: ${what}.`);
    } catch (error) {
      this.app.warn(`What this browser kept is not used: ${error.message}.`);
    }
  }

  keep() {
    this.isUnsaved = true;
    this.shelf.write(() => JSON.stringify(this.app.editing.content()));
  }

  // When the page is left: whether something would be lost.
  leave() {
    this.shelf.flush();
    return this.isUnsaved && !this.shelf.read();
  }

  async save() {
    this.app.editing.settle?.();
    const name = await this.saver.save(this.name, `${JSON.stringify(this.app.editing.content(), null, 2)}\n`);
    if (name === null) return;
    this.isUnsaved = false;
    this.app.say(`Saved as ${name}.`);
    this.app.showCommand(name);
  }

  async load(input) {
    try {
      const what = this.app.editing.load(JSON.parse(await input.files[0].text()));
      this.app.changed();
      this.app.say(`Loaded: ${what}.`);
    } catch (error) {
      this.app.warn(`Not loaded: ${error.message}.`);
    }
    input.value = "";
  }
}
