// The serial console of a node: xterm.js in an anywidget. BUILD.md says how console.js is made from this file.
import { Terminal } from "@xterm/xterm";
import { FitAddon } from "@xterm/addon-fit";

// The colours of a record's console (workbench/ansi.py).
const COLOURS = {
  black: "#8b949e", red: "#ff7b72", green: "#56d364", yellow: "#e3b341",
  blue: "#79c0ff", magenta: "#d2a8ff", cyan: "#56d4dd", white: "#e6edf3",
};
const BRIGHT = Object.fromEntries(
  Object.entries(COLOURS).map(([name, colour]) => ["bright" + name[0].toUpperCase() + name.slice(1), colour]));
const THEME = {
  background: "#12171d", foreground: "#d6dde6", cursor: "#d6dde6", selectionBackground: "#3a4a5c", ...COLOURS, ...BRIGHT,
};
const FONT = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'Liberation Mono', monospace";

function element(tag, className, text) {
  const made = document.createElement(tag);
  made.className = className;
  if (text) made.textContent = text;
  return made;
}

function header(model) {
  const bar = element("div", "sbk-console-bar");
  const note = element("span", "sbk-console-note");
  const label = element("label", "sbk-console-typing");
  const box = Object.assign(document.createElement("input"), { type: "checkbox" });
  label.append(box, "typing");
  label.title = "Send what you type to the node";
  bar.append(element("span", "sbk-console-node", model.get("node")), note, label);
  const sync = () => {
    box.checked = model.get("typing");
    note.textContent = model.get("note");
  };
  box.addEventListener("change", () => {
    model.set("typing", box.checked);
    model.save_changes();
  });
  sync();
  return { bar, sync };
}

function render({ model, el }) {
  const root = element("div", "sbk-console");
  const screen = element("div", "sbk-console-screen");
  const { bar, sync } = header(model);
  root.append(bar, screen);
  el.append(root);

  const terminal = new Terminal({
    scrollback: 5000, fontSize: 12, fontFamily: FONT, theme: THEME, disableStdin: !model.get("typing"),
  });
  const fit = new FitAddon();
  terminal.loadAddon(fit);
  screen.terminal = terminal;

  let opened = false;
  const observer = new ResizeObserver(() => {
    if (screen.clientWidth === 0) return;
    if (!opened) terminal.open(screen);
    opened = true;
    fit.fit();
  });
  observer.observe(screen);

  const onMessage = (message, buffers) => {
    if (message.kind === "tail") terminal.reset();
    const view = buffers[0];
    terminal.write(new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
  };
  const onTyping = () => {
    terminal.options.disableStdin = !model.get("typing");
    sync();
    if (model.get("typing")) terminal.focus();
  };
  model.on("msg:custom", onMessage);
  model.on("change:typing", onTyping);
  model.on("change:note", sync);
  const typed = terminal.onData((data) => model.get("typing") && model.send({ kind: "typed", data }));
  model.send({ kind: "hello" });

  return () => {
    observer.disconnect();
    model.off("msg:custom", onMessage);
    model.off("change:typing", onTyping);
    model.off("change:note", sync);
    typed.dispose();
    terminal.dispose();
  };
}

export default { render };
