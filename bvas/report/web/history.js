// Undo and redo of values that never change.

class Undoable {
  constructor(first) {
    this.values = [first];
    this.undone = [];
  }

  get now() {
    return this.values.at(-1);
  }

  push(value) {
    this.values.push(value);
    this.undone = [];
  }

  get canUndo() {
    return this.values.length > 1;
  }

  get canRedo() {
    return this.undone.length > 0;
  }

  undo() {
    if (this.canUndo) this.undone.push(this.values.pop());
  }

  redo() {
    if (this.canRedo) this.values.push(this.undone.pop());
  }

  // The present value, without a way back.
  begin(value) {
    this.values = [value];
    this.undone = [];
  }
}
