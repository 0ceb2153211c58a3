// The node table: choose nodes, power them, watch their state. Rows come from the kernel; nothing is decided here.
const ACTIONS = [
  ["on", "On", false], ["off", "Off", true], ["reset", "Reset", true], ["boot", "Boot", true], ["stat", "Status", false],
];
const COLUMNS = ["node", "power", "status", "image", "since", "said"];
const CONFIRM_MS = 4000;
const NAMED_MAX = 3;

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

// A button that disrupts asks first. What it sends are the nodes that it asked about, whatever is chosen by then.
function button(model, chosen, summarise, [action, label, disrupts]) {
  const made = element("button", { className: "sbk-nodes-button", textContent: label, type: "button" });
  let timer = 0;
  made.asked = null;
  const calm = () => {
    clearTimeout(timer);
    made.asked = null;
    made.textContent = label;
    made.title = "";
    made.classList.remove("sbk-nodes-sure");
    summarise();
  };
  made.addEventListener("click", () => {
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
  return made;
}

function named(nodes) {
  return nodes.length <= NAMED_MAX ? nodes.join(", ") : `${nodes.length} nodes`;
}

function render({ model, el }) {
  const chosen = new Set(model.get("rows").length === 1 ? [model.get("rows")[0].node] : []);
  const buttons = ACTIONS.map((action) => button(model, chosen, () => summarise(), action));
  const count = element("span", { className: "sbk-nodes-count" });
  const body = element("tbody");
  const all = element("input", { type: "checkbox", ariaLabel: "all nodes" });
  const head = element("tr", {}, element("th", {}, all), ...COLUMNS.map((name) => element("th", { textContent: name })));
  el.append(element("div", { className: "sbk-nodes" },
    element("div", { className: "sbk-nodes-bar" }, ...buttons, count),
    element("div", { className: "sbk-nodes-scroll" }, element("table", {}, element("thead", {}, head), body))));

  const row = (values) => {
    const box = element("input", { type: "checkbox", checked: chosen.has(values.node), ariaLabel: values.node });
    box.addEventListener("change", () => {
      if (box.checked) chosen.add(values.node); else chosen.delete(values.node);
      summarise();
    });
    const cells = COLUMNS.map((name) => {
      const cell = element("td", { textContent: values[name] ?? "" });
      if (name === "power" || name === "status") cell.dataset.tone = values[name + "_tone"] ?? "quiet";
      return cell;
    });
    return element("tr", {}, element("td", {}, box), ...cells);
  };
  const summarise = () => {
    const total = model.get("rows").length;
    count.textContent = `${chosen.size} of ${total} chosen`;
    all.checked = total > 0 && chosen.size === total;
    for (const made of buttons) made.disabled = (chosen.size === 0 && !made.asked) || model.get("busy");
  };
  const draw = () => {
    const rows = model.get("rows");
    for (const node of chosen) if (!rows.some((values) => values.node === node)) chosen.delete(node);
    body.replaceChildren(...rows.map(row));
    summarise();
  };
  all.addEventListener("change", () => {
    chosen.clear();
    if (all.checked) for (const values of model.get("rows")) chosen.add(values.node);
    draw();
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
