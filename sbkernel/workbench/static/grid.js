// The grid of nodes: one canvas with a cell for each. States come from the kernel as a byte a node; only cells whose byte
// has changed are drawn again. Nothing is decided here.
const CELL = 9;
const GAP = 2;
const STEP = CELL + GAP;
const LABEL = 15;
const BLOCK_GAP = 12;
const NARROW = 10;  // cells side by side in a place of usual size
const SMALL = 80;   // nodes that such a place has at most
const HELD = 0x80;

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

// Where every cell is: places stand side by side as blocks, a large one takes the whole width.
function arrange(places, width) {
  const cells = [], blocks = [];
  let left = 0, top = 0, height = 0;
  for (const [place, nodes] of places) {
    const most = Math.max(1, Math.floor((width + GAP) / STEP));
    const columns = Math.min(most, nodes.length <= SMALL ? NARROW : most);
    const taken = columns * STEP - GAP;
    if (left > 0 && left + taken > width) { left = 0; top += height + BLOCK_GAP; height = 0; }
    blocks.push({ place, left, top, width: taken, first: cells.length, count: nodes.length });
    nodes.forEach((node, at) => cells.push({
      node, place, x: left + (at % columns) * STEP, y: top + LABEL + Math.floor(at / columns) * STEP,
    }));
    height = Math.max(height, LABEL + Math.ceil(nodes.length / columns) * STEP);
    left += taken + BLOCK_GAP;
  }
  return { cells, blocks, height: top + height };
}

// A state is drawn as a shape, too: full, half, triangle, cross, frame, dot. A held node has a bar below.
function mark(pen, state, x, y, colour, ground) {
  pen.fillStyle = pen.strokeStyle = colour;
  if (state === "up" || state === "failed") pen.fillRect(x, y, CELL, CELL);
  if (state === "booting" || state === "off") pen.strokeRect(x + 0.5, y + 0.5, CELL - 1, CELL - 1);
  if (state === "booting") pen.fillRect(x, y + CELL / 2, CELL, CELL / 2);
  if (state === "unknown") pen.fillRect(x + CELL / 2 - 1, y + CELL / 2 - 1, 2, 2);
  pen.beginPath();
  if (state === "stuck") {
    pen.moveTo(x + CELL / 2, y);
    pen.lineTo(x + CELL, y + CELL);
    pen.lineTo(x, y + CELL);
    pen.fill();
  }
  if (state === "failed") {
    pen.strokeStyle = ground;
    pen.moveTo(x + 2, y + 2);
    pen.lineTo(x + CELL - 2, y + CELL - 2);
    pen.moveTo(x + CELL - 2, y + 2);
    pen.lineTo(x + 2, y + CELL - 2);
    pen.stroke();
  }
}

let grids = 0;

class Grid {
  constructor(model, el) {
    this.model = model;
    this.states = new Uint8Array();
    this.cursor = -1;
    this.anchor = 0;
    this.width = 0;
    this.painted = 0;
    this.layout = { cells: [], blocks: [], height: 0 };
    this.canvas = element("canvas");
    this.canvas.setAttribute("aria-hidden", "true");
    this.pen = this.canvas.getContext("2d");
    this.option = element("div", { className: "sbk-grid-hidden", role: "option", textContent: "no node yet: use the arrow keys" });
    this.box = element("div", { className: "sbk-grid-box", tabIndex: 0, role: "listbox", ariaLabel: "nodes", ariaMultiSelectable: "true" },
      this.canvas, this.option);
    this.legend = element("div", { className: "sbk-grid-legend", role: "toolbar", ariaLabel: "choose by state" });
    this.tip = element("div", { className: "sbk-grid-tip" });
    this.range = element("input", { className: "sbk-grid-range", readOnly: true, ariaLabel: "the chosen nodes as a noderange", placeholder: "nothing is chosen" });
    this.count = element("span", { role: "status" });
    this.none = element("button", { type: "button", textContent: "None", title: "choose no node" });
    this.root = element("div", { className: "sbk-grid" }, this.legend, this.box, this.tip,
      element("div", { className: "sbk-grid-chosen" }, this.count, this.range, this.none),
      element("div", { className: "sbk-grid-help", textContent: "Arrow keys move, Space chooses, Shift extends, G the place, A all, Esc none; a press on a state chooses all nodes of it." }));
    this.root.grid = this;
    el.setAttribute("data-lm-suppress-shortcuts", "true");
    el.append(this.root);
    this.listen();
  }

  get names() { return this.model.get("legend").map(([state]) => state); }
  state(index) { return this.names[this.states[index] & ~HELD]; }
  get chosen() { return new Set(this.model.get("chosen")); }

  listen() {
    const follow = (event, act) => this.box.addEventListener(event, act);
    this.canvas.addEventListener("mousemove", (event) => this.point(this.at(event)));
    this.canvas.addEventListener("mouseleave", () => this.point(-1));
    this.canvas.addEventListener("click", (event) => this.click(event));
    follow("keydown", (event) => this.key(event));
    follow("focus", () => { this.move(Math.max(0, this.cursor)); });
    follow("blur", () => this.paint([this.cursor]));
    this.none.addEventListener("click", () => this.choose([]));
    this.watching = new ResizeObserver(() => { if (this.colours) this.place(); else this.colour(); });
    this.watching.observe(this.box);
    // The theme sets its variables a little after its name.
    this.themes = new MutationObserver(() => { this.colour(); setTimeout(() => this.colour(), 300); });
    this.themes.observe(document.body, { attributeFilter: ["data-jp-theme-name", "data-jp-theme-light"] });
    this.on = { "change:places": () => this.place(true), "change:states": () => this.update(), "change:chosen": () => this.rechoose(), "change:noderange": () => this.say() };
    for (const [event, act] of Object.entries(this.on)) this.model.on(event, act);
    this.rechoose();
  }

  end() {
    this.watching.disconnect();
    this.themes.disconnect();
    for (const [event, act] of Object.entries(this.on)) this.model.off(event, act);
  }

  // Outside of a page there are no colours, so the first are read when the grid has got a place in it.
  colour() {
    const style = getComputedStyle(this.root);
    const of = (name) => style.getPropertyValue(`--${name}`).trim();
    this.colours = Object.fromEntries(this.model.get("legend").map(([state, tone]) => [state, of(tone)]));
    this.text = of("text");
    this.ground = of("ground");
    this.place(true);
  }

  place(anew = false) {
    const width = this.box.clientWidth - 16;
    if (width <= 0 || !this.colours || (width === this.width && !anew)) return;
    this.width = width;
    this.layout = arrange(this.model.get("places"), width);
    const scale = window.devicePixelRatio || 1;
    this.canvas.width = width * scale;
    this.canvas.height = (this.layout.height + 4) * scale;
    this.canvas.style.width = `${width}px`;
    this.canvas.style.height = `${this.layout.height + 4}px`;
    this.pen.setTransform(scale, 0, 0, scale, 2 * scale, 2 * scale);
    this.option.setAttribute("aria-setsize", this.layout.cells.length);
    this.labels();
    this.states = this.bytes();
    this.marked = this.chosen;
    this.paint(this.layout.cells.keys());
    this.keys();
  }

  bytes() {
    const view = this.model.get("states");
    return view?.buffer ? new Uint8Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength)) : new Uint8Array();
  }

  labels() {
    this.pen.font = "11px sans-serif";
    this.pen.fillStyle = this.text;
    this.pen.textBaseline = "top";
    for (const block of this.layout.blocks) this.pen.fillText(block.place || "elsewhere", block.left, block.top, Math.max(block.width, 60));
  }

  update() {
    const before = this.states;
    this.states = this.bytes();
    const changed = [];
    for (let index = 0; index < this.states.length; index += 1) if (this.states[index] !== before[index]) changed.push(index);
    this.paint(changed);
    this.keys();
  }

  paint(indices) {
    for (const index of indices) {
      const cell = this.layout.cells[index];
      if (!cell) continue;
      this.painted += 1;
      this.pen.clearRect(cell.x - 1, cell.y - 1, CELL + 2, CELL + 2);
      mark(this.pen, this.state(index), cell.x, cell.y, this.colours[this.state(index)], this.ground);
      if (this.states[index] & HELD) {
        this.pen.fillStyle = this.text;
        this.pen.fillRect(cell.x, cell.y + CELL - 2, CELL, 2);
      }
      if (this.marked?.has(index)) this.frame(cell, this.text, 1);
      if (index === this.cursor && document.activeElement === this.box) this.frame(cell, this.text, 2);
    }
  }

  frame(cell, colour, width) {
    this.pen.strokeStyle = colour;
    this.pen.lineWidth = width;
    const inset = width / 2 - 1;
    this.pen.strokeRect(cell.x + inset, cell.y + inset, CELL - 2 * inset, CELL - 2 * inset);
    this.pen.lineWidth = 1;
  }

  // One button a state, with how many nodes are in it. A button stays, so that the keyboard stays on it.
  keys() {
    const counts = new Map();
    let held = 0;
    for (const byte of this.states) {
      const state = this.names[byte & ~HELD];
      counts.set(state, (counts.get(state) ?? 0) + 1);
      if (byte & HELD) held += 1;
    }
    this.buttons ??= new Map();
    for (const state of [...this.names, "held"]) {
      if (!this.buttons.has(state)) this.buttons.set(state, this.keyButton(state));
      const { button, text } = this.buttons.get(state);
      const count = state === "held" ? held : counts.get(state) ?? 0;
      const said = `${state} ${count}`;
      if (text.textContent !== said) text.textContent = said;
      button.hidden = count === 0;
    }
    this.icons();
  }

  keyButton(state) {
    const icon = element("canvas", { width: 2 * CELL, height: 2 * CELL });
    icon.setAttribute("aria-hidden", "true");
    const text = element("span");
    const button = element("button", { type: "button", title: `choose all nodes that are ${state}` }, icon, text);
    button.addEventListener("click", () => this.choose([...this.states.keys()].filter((index) =>
      state === "held" ? this.states[index] & HELD : this.state(index) === state)));
    this.legend.append(button);
    return { button, icon, text };
  }

  icons() {
    for (const [state, { icon }] of this.buttons) {
      const pen = icon.getContext("2d");
      pen.setTransform(2, 0, 0, 2, 0, 0);
      pen.clearRect(0, 0, CELL, CELL);
      if (state === "held") { pen.fillStyle = this.text; pen.fillRect(0, CELL - 2, CELL, 2); }
      else mark(pen, state, 0, 0, this.colours[state], this.ground);
    }
  }

  at(event) {
    const x = event.offsetX - 2, y = event.offsetY - 2;
    return this.layout.cells.findIndex((cell) => x >= cell.x - 1 && x < cell.x + STEP - 1 && y >= cell.y - 1 && y < cell.y + STEP - 1);
  }

  told(index) {
    const cell = this.layout.cells[index];
    const held = this.states[index] & HELD ? ", held" : "";
    return cell ? `${cell.node}: ${this.state(index)}${held}${cell.place ? `, ${cell.place}` : ""}` : "";
  }

  point(index) {
    this.tip.textContent = this.told(index >= 0 ? index : this.cursor);
    this.canvas.style.cursor = index >= 0 ? "pointer" : "";
  }

  click(event) {
    const index = this.at(event);
    if (index >= 0) {
      this.move(index);
      this.toggle(index, event.shiftKey);
      return;
    }
    const x = event.offsetX - 2, y = event.offsetY - 2;
    const block = this.layout.blocks.find((one) => y >= one.top && y < one.top + LABEL && x >= one.left && x < one.left + Math.max(one.width, 60));
    if (block) this.chooseBlock(block);
  }

  chooseBlock({ first, count }) {
    const chosen = this.chosen;
    const all = Array.from({ length: count }, (_, at) => first + at);
    const whole = all.every((index) => chosen.has(index));
    for (const index of all) if (whole) chosen.delete(index); else chosen.add(index);
    this.choose(chosen);
  }

  toggle(index, extend) {
    const chosen = this.chosen;
    if (extend) {
      const [from, to] = [this.anchor, index].sort((a, b) => a - b);
      for (let one = from; one <= to; one += 1) chosen.add(one);
    } else if (!chosen.delete(index)) chosen.add(index);
    if (!extend) this.anchor = index;
    this.choose(chosen);
  }

  choose(indices) {
    this.model.set("chosen", [...indices].sort((a, b) => a - b));
    this.model.save_changes();
    this.rechoose();
  }

  rechoose() {
    const before = this.marked ?? new Set();
    this.marked = this.chosen;
    this.paint([...before, ...this.marked].filter((index) => before.has(index) !== this.marked.has(index)));
    this.say();
    this.announce();
  }

  say() {
    this.range.value = this.marked.size ? this.model.get("noderange") : "";
    this.count.textContent = this.marked.size === 1 ? "1 node chosen" : `${this.marked.size} nodes chosen`;
    this.none.disabled = this.marked.size === 0;
  }

  move(index) {
    if (!this.layout.cells[index]) return;
    const before = this.cursor;
    this.cursor = index;
    this.paint([before, index]);
    this.point(-1);
    this.announce();
    const cell = this.layout.cells[index];
    if (cell.y < this.box.scrollTop) this.box.scrollTop = cell.y - LABEL;
    if (cell.y + 2 * STEP > this.box.scrollTop + this.box.clientHeight) this.box.scrollTop = cell.y + 2 * STEP - this.box.clientHeight;
  }

  // A reader of the screen hears the cell on which the keyboard stands.
  announce() {
    if (this.cursor < 0) return;
    this.option.id = `sbk-grid-${grids += 1}`;  // only another one is read out
    this.option.textContent = this.told(this.cursor);
    this.option.setAttribute("aria-selected", String(this.marked.has(this.cursor)));
    this.option.setAttribute("aria-posinset", this.cursor + 1);
    this.box.setAttribute("aria-activedescendant", this.option.id);
  }

  // The cell that is nearest in the next row of cells above or below, of whatever place.
  row(direction) {
    const from = this.layout.cells[this.cursor];
    let best = this.cursor, least = Infinity;
    this.layout.cells.forEach((cell, index) => {
      const down = (cell.y - from.y) * direction;
      const far = down * 1000 + Math.abs(cell.x - from.x);
      if (down > 0 && far < least) { least = far; best = index; }
    });
    return best;
  }

  key(event) {
    const last = this.layout.cells.length - 1;
    const steps = {
      ArrowRight: () => Math.min(last, this.cursor + 1), ArrowLeft: () => Math.max(0, this.cursor - 1),
      ArrowDown: () => this.row(1), ArrowUp: () => this.row(-1), Home: () => 0, End: () => last,
    };
    const acts = {
      " ": () => this.toggle(this.cursor, event.shiftKey), Enter: () => this.toggle(this.cursor, event.shiftKey),
      Escape: () => this.choose([]), a: () => this.choose(this.layout.cells.keys()),
      g: () => this.chooseBlock(this.layout.blocks.find((one) => this.cursor < one.first + one.count)),
    };
    const step = steps[event.key], act = acts[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    const isOther = event.altKey || ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() !== "a");
    if (last < 0 || isOther || (!step && !act)) return;
    event.preventDefault();
    event.stopPropagation();
    if (act) { act(); return; }
    this.move(step());
    if (event.shiftKey) this.toggle(this.cursor, true);
  }
}

function render({ model, el }) {
  const grid = new Grid(model, el);
  return () => grid.end();
}

export default { render };
