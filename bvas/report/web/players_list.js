// List of players or of drawn boxes.

class PlayersList {
  constructor(root, colorOf) {
    Object.assign(this, { root, colorOf });
    this.chose = () => {};
  }

  show(entries, chosen) {
    this.root.replaceChildren(...entries.map((entry) => this.row(entry, entry.key === chosen)));
    this.root.querySelector(".chosen, .other")?.scrollIntoView({ block: "nearest" });
  }

  row({ key, number, name, about, more, isOther }, isChosen) {
    const row = element("div");
    row.className = `player${isChosen ? " chosen" : ""}${isOther ? " other" : ""}`;
    row.setAttribute("role", "option");
    row.setAttribute("aria-selected", isChosen);
    row.setAttribute("aria-label", `${name}, ${about}, ${more}`);
    const swatch = row.appendChild(element("span"));
    swatch.className = "swatch";
    swatch.style.background = this.colorOf(number);
    for (const [text, kind] of [[name, "name"], [about, "about"], [more, "more"]]) {
      row.appendChild(element("span", text)).className = kind;
    }
    row.addEventListener("click", () => this.chose(key));
    return row;
  }
}
