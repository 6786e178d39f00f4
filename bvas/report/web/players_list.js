// List of players or of drawn boxes.

class PlayersList {
  constructor(root, colorOf) {
    Object.assign(this, { root, colorOf });
    this.chose = () => {};
  }

  show(entries, chosen) {
    this.root.replaceChildren(...entries.map((entry) => this.row(entry, entry.key === chosen)));
    this.reveal(this.root.querySelector(".other") ?? this.root.querySelector(".chosen"));
  }

  // Scrolls the list alone, not the page.
  reveal(row) {
    if (!row) return;
    const { scrollTop, clientHeight } = this.root;
    const top = row.offsetTop - this.root.offsetTop - this.root.clientTop;
    if (top < scrollTop) this.root.scrollTop = top;
    else if (top + row.offsetHeight > scrollTop + clientHeight) this.root.scrollTop = top + row.offsetHeight - clientHeight;
  }

  row({ key, number, name, about, more, isOther }, isChosen) {
    const row = element("div");
    row.className = `player${isChosen ? " chosen" : ""}${isOther ? " other" : ""}`;
    row.setAttribute("role", "option");
    row.setAttribute("aria-selected", isChosen);
    row.setAttribute("aria-label", [name, about, more].filter(Boolean).join(", "));
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
