// What stands below every panel: the Python and the command line that do the same, and a line for screen readers.
function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

// Without a secure connection a page may not write to the clipboard; the text can be selected all the same.
function code(text, what) {
  const made = element("td", {}, element("code", { textContent: text }));
  if (navigator.clipboard) {
    const copy = element("button", { type: "button", className: "sbk-foot-copy", textContent: "Copy", ariaLabel: `Copy ${what}` });
    copy.addEventListener("click", async () => {
      await navigator.clipboard.writeText(text);
      copy.textContent = "Copied";
    });
    made.append(copy);
  }
  return made;
}

function render({ model, el }) {
  const body = element("tbody");
  const head = element("tr", {}, ...["what", "Python", "command line"].map((name) => element("th", { textContent: name, scope: "col" })));
  const part = element("details", { className: "sbk-foot" },
    element("summary", { textContent: "Python and command line" }),
    element("table", {}, element("thead", {}, head), body));
  const said = element("div", { className: "sbk-foot-said", role: "status" });
  const draw = () => {
    const calls = model.get("calls");
    part.hidden = calls.length === 0;
    body.replaceChildren(...calls.map(([what, python, command]) => element("tr", {},
      element("th", { textContent: what, scope: "row" }), code(python, `the Python: ${what}`), code(command, `the command line: ${what}`))));
  };
  const say = () => { if (said.textContent !== model.get("said")) said.textContent = model.get("said"); };
  el.setAttribute("data-lm-suppress-shortcuts", "true");
  el.append(part, said);
  model.on("change:calls", draw);
  model.on("change:said", say);
  draw();
  say();
  return () => {
    model.off("change:calls", draw);
    model.off("change:said", say);
  };
}

export default { render };
