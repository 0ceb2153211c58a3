// The records panel: a list with a filter, what is chosen, and a form to run it again. The kernel filters, compares and
// runs; nothing is decided here. No text of a record becomes markup but what the kernel has made of it.
const TYPE_MS = 250;

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

let panels = 0;

function render({ model, el }) {
  const panel = ++panels;
  const send = (kind, more = {}) => model.send({ kind, ...more });
  const chosen = new Set();

  // What is listed.
  const words = element("input", { type: "search", placeholder: "Search records", ariaLabel: "search records" });
  const choices = Object.fromEntries(["status", "notebook", "image"].map((name) => [name, element("select", { ariaLabel: name })]));
  const count = element("span", { className: "sbk-rec-count", role: "status" });
  const find = element("div", { className: "sbk-rec-find", role: "search" }, words, ...Object.values(choices), count);
  const filter = () => send("filter", { words: words.value,
    ...Object.fromEntries(Object.entries(choices).map(([name, choice]) => [name, choice.value])) });
  let timer = 0;
  words.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(filter, TYPE_MS); });
  for (const choice of Object.values(choices)) choice.addEventListener("change", filter);

  const heads = ["", "started (UTC)", "status", "took", "notebook", "image", "parameters", "run by"];
  const body = element("tbody");
  const head = element("thead", {}, element("tr", {}, ...heads.map((text) => element("th", { scope: "col", textContent: text }))));
  head.querySelector("th").ariaLabel = "chosen";
  const list = element("div", { className: "sbk-rec-list", tabIndex: 0, role: "region", ariaLabel: "records" },
    element("table", {}, head, body));

  // What is done with what is chosen.
  const hint = element("div", { className: "sbk-rec-hint" });
  const detail = element("div", { className: "sbk-rec-detail", ariaLive: "polite" });
  const form = element("form", { className: "sbk-rec-form" });
  const said = element("div", { className: "sbk-rec-said", role: "status" });
  const page = element("div", { className: "sbk-rec-page" });

  const choose = (key, on) => {
    if (on) chosen.add(key); else chosen.delete(key);
    while (chosen.size > 2) chosen.delete(chosen.values().next().value);
    send("choose", { keys: [...chosen] });
    mark();
  };
  const mark = () => {
    for (const row of body.rows) {
      row.querySelector("input").checked = chosen.has(row.dataset.key);
      row.classList.toggle("sbk-rec-chosen", chosen.has(row.dataset.key));
    }
    hint.textContent = ["Choose one to see it and run it again, two to compare them.",
      "Choose a second one to compare them.", ""][chosen.size];
  };

  const line = (record) => {
    const box = element("input", { type: "checkbox", ariaLabel: `${record.notebook} ${record.started} ${record.status}` });
    box.addEventListener("change", () => choose(record.key, box.checked));
    const row = element("tr", { title: record.name }, element("td", {}, box));
    row.dataset.key = record.key;
    const status = element("span", { className: "sbk-rec-status", textContent: record.status });
    status.dataset.tone = record.tone;
    row.append(element("td", { textContent: record.started }), element("td", {}, status));
    for (const name of ["took", "notebook", "image", "parameters", "who"]) {
      row.append(element("td", { textContent: record[name], className: `sbk-rec-${name}`, title: record[name] }));
    }
    row.addEventListener("click", (event) => { if (event.target !== box) choose(record.key, !chosen.has(record.key)); });
    return row;
  };

  const drawList = () => {
    const view = model.get("view");
    const focused = body.contains(document.activeElement) ? document.activeElement.closest("tr")?.dataset.key : null;
    for (const [name, choice] of Object.entries(choices)) {
      const values = view.choices[name];
      if ([...choice.options].slice(1).map((option) => option.value).join("\n") !== values.join("\n")) {
        choice.replaceChildren(new Option(`every ${name}`, ""), ...values.map((value) => new Option(value, value)));
      }
      if (document.activeElement !== choice) choice.value = view.filter[name];
    }
    if (document.activeElement !== words) words.value = view.filter.words;
    body.replaceChildren(...view.rows.map(line));
    const more = view.found - view.rows.length;
    count.textContent = `${view.found} of ${view.total}` + (more > 0 ? `, the newest ${view.rows.length} shown` : "");
    // Without a record there is nothing to choose, nor to look for.
    find.hidden = list.hidden = !view.total;
    mark();
    if (!view.total) hint.textContent = "No notebook was run yet: sb run NOTEBOOK -p name=value keeps a record.";
    if (focused) [...body.rows].find((row) => row.dataset.key === focused)?.querySelector("input").focus();
  };

  // A field for each parameter; what is typed is read by the kernel, as -p on the command line.
  const field = (about) => {
    const id = `sbk-rec-${panel}-${about.name}`;
    const control = about.values.length
      ? element("select", {}, ...about.values.map((value) => new Option(value, value)))
      : element("input", { type: "text", spellcheck: false });
    Object.assign(control, { id, name: about.name, value: about.value });
    control.dataset.before = about.before;
    const label = element("label", { htmlFor: id, textContent: about.name, title: about.help });
    return element("div", { className: "sbk-rec-field" }, label, control, element("span", { textContent: about.help }));
  };
  const typed = () => Object.fromEntries([...form.querySelectorAll("[name]")]
    .filter((control) => control.type !== "checkbox" && control.value !== control.dataset.before)
    .map((control) => [control.name, control.value]));

  const drawDetail = () => {
    const now = model.get("detail");
    detail.innerHTML = now.html || "";
    page.replaceChildren();
    form.replaceChildren();
    if (now.again) {
      const run = element("button", { type: "submit", textContent: "Run again", className: "sbk-rec-button sbk-rec-main" });
      const open = element("button", { type: "button", textContent: "Open", className: "sbk-rec-button", disabled: !now.page });
      open.addEventListener("click", () => (page.childElementCount ? page.replaceChildren() : send("open")));
      const same = element("input", { type: "checkbox", checked: now.again.same, disabled: !now.again.own });
      same.addEventListener("change", () => send("again", { same: same.checked, given: typed() }));
      const version = element("label", { className: "sbk-rec-same" }, same, " the notebook as it was then");
      form.append(element("div", { className: "sbk-rec-title", textContent: "Run again with these parameters" }),
        ...now.again.fields.map(field),
        element("div", { className: "sbk-rec-tools" }, run, open, version,
          element("span", { className: "sbk-rec-remark", textContent: now.again.remark })));
      run.disabled = Boolean(now.again.problem);
    }
  };
  form.addEventListener("submit", (event) => { event.preventDefault(); send("rerun", { given: typed() }); });
  form.addEventListener("change", (event) => { if (event.target.name) send("given", { given: typed() }); });

  const drawSaid = () => {
    const now = model.get("said");
    said.textContent = now.text || "";
    said.dataset.tone = now.tone || "quiet";
  };
  // The page of a record runs no script and reaches nothing: it is sandboxed, beside what it forbids itself.
  const drawPage = () => {
    const text = model.get("page").text;
    if (text) page.replaceChildren(element("iframe", { srcdoc: text, sandbox: "", title: "the page of the record" }));
  };

  el.setAttribute("data-lm-suppress-shortcuts", "true");
  el.replaceChildren(element("div", { className: "sbk-rec" }, find, list, hint, detail, form, said, page));
  const draws = { view: drawList, detail: drawDetail, said: drawSaid, page: drawPage };
  for (const [name, draw] of Object.entries(draws)) model.on(`change:${name}`, draw);
  drawList(); drawDetail(); drawSaid();
  return () => { for (const [name, draw] of Object.entries(draws)) model.off(`change:${name}`, draw); };
}

export default { render };
