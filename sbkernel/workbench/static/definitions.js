// The definitions panel: a list to choose from, a form, and what would change. What is right or wrong is said by the
// kernel for every draft; nothing is decided here.
const DRAFT_MS = 150;
const SEARCH_MS = 200;

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

function later(milliseconds, action) {
  let timer = 0;
  const call = () => { clearTimeout(timer); timer = setTimeout(action, milliseconds); };
  call.cancel = () => clearTimeout(timer);
  return call;
}

function button(text, action, className = "") {
  const made = element("button", { type: "button", textContent: text, className: `sbk-def-button ${className}` });
  made.addEventListener("click", action);
  return made;
}

// One attribute: its name, the control, and beside it what it means or what is wrong with it.
class Field {
  constructor(about, changed, ids) {
    this.about = about;
    this.before = about.value ?? "";
    this.control = about.values.length ? this.choice() : this.line();
    this.control.value = this.before;
    this.control.id = ids(about.name);
    this.control.setAttribute("aria-label", about.name);
    this.control.addEventListener(about.values.length ? "change" : "input", changed);
    this.note = element("div", { className: "sbk-def-note", title: about.text, id: `${this.control.id}-note` });
    this.control.setAttribute("aria-describedby", this.note.id);
    this.more = button("more", () => this.unfold(!this.unfolded), "sbk-def-unfold");
    this.more.setAttribute("aria-controls", this.note.id);
    this.unfolded = false;
    const label = element("label", { textContent: about.name, title: about.text, htmlFor: this.control.id });
    const beside = element("div", { className: "sbk-def-beside" }, this.note, this.more);
    this.row = element("div", { className: "sbk-def-field" }, label, this.control, beside);
    this.unfold(false);
    this.say("");
  }

  // The note has room for two lines; the button that shows all of it is there if they are not enough.
  unfold(all) {
    this.unfolded = all;
    this.row.classList.toggle("sbk-def-unfolded", all);
    this.more.textContent = all ? "less" : "more";
    this.more.setAttribute("aria-label", `${this.more.textContent} about ${this.about.name}`);
    this.more.setAttribute("aria-expanded", String(all));
  }

  measure() {
    if (!this.unfolded) this.more.hidden = this.note.scrollHeight <= this.note.clientHeight + 1;
  }

  // Of a path that is too long, the end says which file it is.
  showEnd() { if (this.before.startsWith("/")) this.control.scrollLeft = this.control.scrollWidth; }

  choice() {
    const values = [...new Set(["", ...this.about.values, this.before])];
    const options = values.map((value) => element("option", { value, textContent: value || "(unset)" }));
    return element("select", {}, ...options);
  }

  line() {
    const made = element("input", { type: this.about.secret ? "password" : "text", spellcheck: false, placeholder: "unset" });
    made.autocomplete = "off";
    if (this.about.secret) made.addEventListener("focus", () => made.select());
    made.addEventListener("blur", () => this.showEnd());
    return made;
  }

  get edited() { return this.control.value !== this.before; }

  say(fault) {
    const lent = this.about.lender && !this.edited ? `from group ${this.about.lender}. ` : "";
    this.note.textContent = fault || lent + this.about.text;
    requestAnimationFrame(() => this.measure());
    this.control.title = this.about.secret ? "" : this.control.value;
    this.row.classList.toggle("sbk-def-wrong", Boolean(fault));
    this.row.classList.toggle("sbk-def-edited", this.edited);
    this.note.title = this.note.textContent;
    this.control.setAttribute("aria-invalid", String(Boolean(fault)));
  }
}

// In the list of objects, arrows go from one to the next; Enter and Space open it.
function onKeys(event, open) {
  const to = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[event.key];
  if (!to && event.key !== "Enter" && event.key !== " ") return;
  event.preventDefault();
  if (to) event.currentTarget[to]?.focus(); else open();
}

let panels = 0;

function render({ model, el }) {
  const panel = ++panels;
  const ids = (name) => `sbk-def-${panel}-${name}`;
  let fields = new Map();
  let number = 0;
  let naming = "";

  const types = element("select", { ariaLabel: "type" });
  const find = element("input", { type: "search", placeholder: "Search", spellcheck: false, ariaLabel: "search" });
  const list = element("div", { className: "sbk-def-list", role: "listbox", ariaLabel: "objects" });
  const more = element("div", { className: "sbk-def-more" });
  const title = element("div", { className: "sbk-def-title" });
  const said = element("div", { className: "sbk-def-said", role: "status" });
  const form = element("div", { className: "sbk-def-form" });
  const known = element("datalist", { id: ids("known") });
  const add = element("input", { type: "text", placeholder: "Add an attribute", spellcheck: false, ariaLabel: "add an attribute" });
  add.setAttribute("list", known.id);
  add.autocomplete = "off";
  const adding = button("Add", () => addField());
  const diff = element("table", { className: "sbk-def-diff" });
  const general = element("div", { className: "sbk-def-general" });
  const save = button("Save", () => model.send({ kind: "save", edits: edits() }), "sbk-def-main");
  const discard = button("Discard", () => open(view().objtype, view().exists ? view().name : ""));
  const count = element("span", { className: "sbk-def-count" });
  const fresh = button("New …", () => ask("new"));
  const clone = button("Clone …", () => ask("clone"));
  const undo = button("Undo", () => model.send({ kind: "undo" }));
  const name = element("input", { type: "text", spellcheck: false, ariaLabel: "name" });
  const make = button("Make", () => named(), "sbk-def-main");
  const asking = element("span", { className: "sbk-def-asking" }, name, make, button("Cancel", () => ask("")));

  const view = () => model.get("view");
  const edits = () => Object.fromEntries(
    [...fields].filter(([, field]) => field.edited).map(([key, field]) => [key, field.control.value]));
  const dirty = () => Object.keys(edits()).length > 0;
  const tell = (text, tone) => { said.textContent = text; said.dataset.tone = tone; };
  const open = (objtype, chosen) => {  // what is asked for next is about the object that comes
    fresh.disabled = clone.disabled = true;
    model.send({ kind: "open", objtype, name: chosen });
  };

  const choose = (objtype, chosen) => {
    if (dirty()) tell(`${view().name} has unsaved changes: save or discard them first.`, "warn");
    else open(objtype, chosen);
    types.value = view().objtype;
  };
  const search = later(SEARCH_MS, () => model.send({ kind: "search", objtype: view().objtype, text: find.value }));
  const send = later(DRAFT_MS, () => model.send({ kind: "draft", edits: edits(), number }));

  const changed = () => {
    number += 1;
    for (const field of fields.values()) field.row.classList.toggle("sbk-def-edited", field.edited);
    save.disabled = true;
    send();
  };
  const ask = (kind) => {
    naming = kind;
    asking.style.display = kind ? "" : "none";
    make.textContent = kind === "clone" ? "Clone" : "Begin";
    name.placeholder = kind === "clone" ? "name of the clone" : `name of the ${view().objtype}`;
    if (kind) { name.value = ""; name.focus(); }
  };
  const named = () => {
    if (dirty()) tell("Save or discard your changes first.", "warn");
    else if (name.value.trim()) model.send({ kind: naming, name: name.value.trim() });
  };
  const insert = (about) => {
    const field = new Field(about, changed, ids);
    fields.set(about.name, field);
    form.append(field.row);
    return field;
  };
  const addField = () => {
    const wanted = add.value.trim();
    const base = view().table.find((about) => about.name === wanted.split(".")[0]);
    if (!wanted) return;
    if (!base) { tell(`${wanted} is not an attribute of ${view().objtype}.`, "bad"); return; }
    if (base.keyed && !wanted.includes(".")) { add.value = `${wanted}.`; return; }
    add.value = "";
    (fields.get(wanted) ?? insert({ ...base, name: wanted })).control.focus();
  };

  const drawNames = () => {
    const { names = [], found = 0, objtype, text = "" } = model.get("names");
    if (document.activeElement !== find) find.value = text;
    list.replaceChildren(...names.map((one) => {
      const made = element("div", { className: "sbk-def-name", role: "option", textContent: one, title: one, tabIndex: 0 });
      made.setAttribute("aria-selected", String(one === view().name && objtype === view().objtype));
      made.addEventListener("click", () => choose(objtype, one));
      made.addEventListener("keydown", (event) => onKeys(event, () => choose(objtype, one)));
      return made;
    }));
    more.textContent = found > names.length ? `${names.length} of ${found}: search for the others`
      : found ? `${found} ${found === 1 ? "object" : "objects"}` : text ? "nothing found" : "none yet";
  };
  const drawChanges = () => {
    const { edits: rows = [], general: against = [], faults = {} } = model.get("answer");
    diff.replaceChildren(...rows.map(([key, before, after]) => element("tr", {},
      element("td", { textContent: key }),
      element("td", {}, element("span", { className: before ? "sbk-def-before" : "sbk-def-none", textContent: before || "unset" })),
      element("td", { textContent: "→" }),
      element("td", {}, element("span", { className: after ? "sbk-def-after" : "sbk-def-none", textContent: after || "unset" })))));
    general.textContent = against.join(" ");
    const wrong = Object.keys(faults).length + against.length;
    save.disabled = wrong > 0 || rows.length === 0;
    discard.disabled = rows.length === 0 && view().exists;
    count.textContent = rows.length ? `${rows.length} ${rows.length === 1 ? "change" : "changes"}${wrong ? ", not yet right" : ""}` : "";
  };
  const drawAnswer = () => {
    const { number: answered, faults = {} } = model.get("answer");
    if (answered !== number) return;
    for (const key of Object.keys(faults)) {
      const about = view().table.find((one) => one.name === key);
      if (about && !fields.has(key)) insert(about);
    }
    for (const [key, field] of fields) field.say(faults[key] ?? "");
    drawChanges();
  };
  const drawSaid = () => tell(model.get("said").text ?? "", model.get("said").tone ?? "quiet");
  const draw = () => {
    const now = view();
    send.cancel();
    number += 1;
    types.replaceChildren(...now.types.map((type) => element("option", { value: type, textContent: type })));
    types.value = now.objtype;
    title.replaceChildren(element("b", { textContent: now.name || `no ${now.objtype} yet` }),
      element("span", { textContent: now.exists || !now.name ? now.objtype : `new ${now.objtype}` }));
    fields = new Map();
    form.replaceChildren();
    now.fields.forEach(insert);
    requestAnimationFrame(() => { for (const field of fields.values()) field.showEnd(); });
    known.replaceChildren(...now.table.filter((about) => !fields.has(about.name))
      .map((about) => element("option", { value: about.name, label: about.text })));
    undo.disabled = !now.done;
    undo.title = now.done ? `Undo: ${now.done}` : "Nothing was changed here yet";
    fresh.disabled = false;
    clone.disabled = !now.exists;
    add.disabled = adding.disabled = !now.name;
    ask("");
    model.set("answer", {});
    drawChanges();
    drawNames();
    if (now.name && !now.exists) changed();
  };

  types.addEventListener("change", () => {
    const objtype = types.value;
    if (!dirty()) { find.value = ""; model.send({ kind: "search", objtype, text: "" }); }
    choose(objtype, "");
  });
  find.addEventListener("input", search);
  add.addEventListener("input", (event) => { if (!event.inputType || event.inputType === "insertReplacementText") addField(); });
  add.addEventListener("keydown", (event) => { if (event.key === "Enter") addField(); });
  name.addEventListener("keydown", (event) => {
    if (event.key === "Enter") named();
    if (event.key === "Escape") ask("");
  });
  new ResizeObserver(() => { for (const field of fields.values()) field.measure(); }).observe(form);
  // JupyterLab's shortcuts are for its cells, not for this form.
  el.setAttribute("data-lm-suppress-shortcuts", "true");
  el.append(element("div", { className: "sbk-def" },
    element("div", { className: "sbk-def-side" }, element("div", { className: "sbk-def-find" }, types, find), list, more),
    element("div", { className: "sbk-def-body" },
      element("div", { className: "sbk-def-bar" }, title, element("span", { className: "sbk-def-tools" }, asking, fresh, clone, undo)),
      said, form,
      element("div", { className: "sbk-def-add" }, add, known, adding),
      element("div", { className: "sbk-def-foot" }, general, diff, element("div", { className: "sbk-def-actions" }, save, discard, count)))));
  model.on("change:view", draw);
  model.on("change:names", drawNames);
  model.on("change:answer", drawAnswer);
  model.on("change:said", drawSaid);
  draw();
  drawSaid();
}

export default { render };
