// The node table: choose nodes, power, hold and release them, watch their state. Rows come from the kernel; nothing is
// decided here.
const ACTIONS = [
  ["on", "On", false], ["off", "Off", true], ["reset", "Reset", true], ["boot", "Boot", true], ["stat", "Status", false],
];
const COLUMNS = ["node", "power", "status", "image", "since", "held", "said"];
const CONFIRM_MS = 8000;
const NAMED_MAX = 3;

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

function plainButton(label, action) {
  const made = element("button", { className: "sbk-nodes-button", textContent: label, type: "button" });
  made.addEventListener("click", action);
  return made;
}

// A button that disrupts asks first. What it sends are the nodes that it asked about, whatever is chosen by then.
function button(model, chosen, summarise, [action, label, disrupts]) {
  let timer = 0;
  const calm = () => {
    clearTimeout(timer);
    made.asked = null;
    made.textContent = label;
    made.title = "";
    made.classList.remove("sbk-nodes-sure");
    summarise();
  };
  const made = plainButton(label, () => {
    if (disrupts && !made.asked) {
      made.asked = [...chosen];
      made.textContent = `${label} ${named(made.asked)}?`;
      made.title = made.asked.join(", ");
      made.classList.add("sbk-nodes-sure");
      timer = setTimeout(calm, CONFIRM_MS);
      return;
    }
    const nodes = made.asked ?? [...chosen];
    calm();
    model.send({ action, nodes });
  });
  made.asked = null;
  return made;
}

// Why nodes are held is asked in a line below the buttons; it, too, is about the nodes that were chosen when it came up.
function holding(model, chosen) {
  let asked = [];
  const reason = element("input", { type: "text", className: "sbk-nodes-reason", placeholder: "why", ariaLabel: "why they are held" });
  const begin = plainButton("Hold …", () => {
    asked = [...chosen];
    sure.textContent = `Hold ${named(asked)}`;
    sure.title = asked.join(", ");
    line.hidden = false;
    reason.focus();
  });
  const end = () => {
    line.hidden = true;
    reason.value = "";
    begin.focus();
  };
  const send = () => {
    if (!reason.value.trim()) { reason.focus(); return; }
    model.send({ action: "hold", nodes: asked, reason: reason.value });
    end();
  };
  const sure = plainButton("Hold", send);
  const line = element("div", { className: "sbk-nodes-bar", hidden: true }, reason, sure, plainButton("Cancel", end));
  reason.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== "Escape") return;
    event.preventDefault();  // or Enter would press the button on which the keyboard stands next
    if (event.key === "Enter") send(); else end();
  });
  return { begin, line };
}

function named(nodes) {
  return nodes.length <= NAMED_MAX ? nodes.join(", ") : `${nodes.length} nodes`;
}

function render({ model, el }) {
  const chosen = new Set(model.get("rows").length === 1 ? [model.get("rows")[0].node] : []);
  const buttons = ACTIONS.map((action) => button(model, chosen, () => summarise(), action));
  const hold = holding(model, chosen);
  const release = plainButton("Release", () => model.send({ action: "release", nodes: [...chosen] }));
  const count = element("span", { className: "sbk-nodes-count", role: "status" });
  const body = element("tbody");
  const all = element("input", { type: "checkbox", ariaLabel: "all nodes" });
  const heads = COLUMNS.map((name) => element("th", { textContent: name, scope: "col" }));
  const lines = new Map();  // a line stays while its node does, so that whoever stands on its box is not thrown out
  el.setAttribute("data-lm-suppress-shortcuts", "true");
  el.append(element("div", { className: "sbk-nodes" },
    element("div", { className: "sbk-nodes-bar", role: "toolbar", ariaLabel: "nodes" }, ...buttons, hold.begin, release, count),
    hold.line,
    element("div", { className: "sbk-nodes-scroll" },
      element("table", {}, element("thead", {}, element("tr", {}, element("td", {}, all), ...heads)), body))));

  const line = (node) => {
    const box = element("input", { type: "checkbox", ariaLabel: node });
    box.addEventListener("change", () => {
      if (box.checked) chosen.add(node); else chosen.delete(node);
      summarise();
    });
    const cells = COLUMNS.map((name) => name === "node" ? element("th", { scope: "row" }) : element("td"));
    return { box, cells, row: element("tr", {}, element("td", {}, box), ...cells) };
  };
  const fill = (made, values) => COLUMNS.forEach((name, index) => {
    const cell = made.cells[index], text = values[name] ?? "";
    if (cell.textContent !== text) cell.textContent = text;
    cell.className = `sbk-nodes-${name}`;
    if (name === "power" || name === "status") cell.dataset.tone = values[name + "_tone"] ?? "quiet";
  });
  const summarise = () => {
    const rows = model.get("rows"), busy = model.get("busy");
    const said = busy ? "working …" : `${chosen.size} of ${rows.length} chosen`;
    if (count.textContent !== said) count.textContent = said;
    all.checked = rows.length > 0 && chosen.size === rows.length;
    all.indeterminate = chosen.size > 0 && chosen.size < rows.length;
    for (const made of buttons) made.disabled = (chosen.size === 0 && !made.asked) || busy;
    hold.begin.disabled = chosen.size === 0 || busy;
    release.disabled = busy || !rows.some((values) => values.held && chosen.has(values.node));
    for (const [node, made] of lines) made.box.checked = chosen.has(node);
  };
  const draw = () => {
    const rows = model.get("rows");
    const there = new Set(rows.map((values) => values.node));
    for (const [node, made] of lines) if (!there.has(node)) { made.row.remove(); lines.delete(node); }
    for (const node of chosen) if (!there.has(node)) chosen.delete(node);
    for (const values of rows) {
      if (!lines.has(values.node)) lines.set(values.node, line(values.node));
      fill(lines.get(values.node), values);
    }
    rows.forEach((values, at) => {
      const { row } = lines.get(values.node);
      if (body.children[at] !== row) body.insertBefore(row, body.children[at] ?? null);
    });
    el.firstChild.classList.toggle("sbk-nodes-any-held", rows.some((values) => values.held));
    summarise();
  };
  heads.forEach((head, index) => { head.className = `sbk-nodes-${COLUMNS[index]}`; });
  all.addEventListener("change", () => {
    chosen.clear();
    if (all.checked) for (const values of model.get("rows")) chosen.add(values.node);
    summarise();
  });
  model.on("change:rows", draw);
  model.on("change:busy", summarise);
  draw();
  return () => {
    model.off("change:rows", draw);
    model.off("change:busy", summarise);
  };
}

export default { render };
