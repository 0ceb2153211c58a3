// Read by JupyterLab, as it is: the tiles of its launcher that make working copies of the notebooks of sbkernel.
// What a build tool would write is the container at the end, which webpack's module federation asks for a plugin.
(() => {
  const CATEGORY = "Stateless images";
  const INK = 'class="jp-icon3" fill="#616161"';
  const box = (x, y, width, height, more = "") => `<rect x="${x}" y="${y}" width="${width}" height="${height}" rx="1" ${INK} ${more}/>`;
  const dot = (x, y, r, more = "") => `<circle cx="${x}" cy="${y}" r="${r}" ${INK} ${more}/>`;
  const path = (d) => `<path d="${d}" ${INK}/>`;
  const pale = 'opacity="0.45"';
  const ICONS = {
    "start-here": path("M6 3h2v18H6zM9 4h10l-3 4 3 4H9z"),
    define: [4, 9, 14, 19].map((y) => box(4, y, 3, 2) + box(9, y, 11, 2, pale)).join(""),
    build: box(4, 4, 16, 4) + box(4, 10, 16, 4, 'opacity="0.7"') + box(4, 16, 16, 4, pale),
    boot: path("M11 3h2v9h-2z") + path("M7 6.2l1.3 1.6a6 6 0 1 0 7.4 0L17 6.2a8 8 0 1 1-10 0z"),
    packages: box(4, 4, 7, 7) + box(13, 4, 7, 7, pale) + box(4, 13, 7, 7, pale) + box(13, 13, 7, 7),
    capture: path("M4 7h4l1.5-2h5L16 7h4v12H4zM12 9.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7z"),
    elsewhere: box(3, 8, 6, 8) + box(17, 8, 4, 8, pale) + path("M10 11h3V9l4 3-4 3v-2h-3z"),
    update: path("M12 5a7 7 0 0 1 6.3 4H21l-3.5 4L14 9h2.1A5 5 0 0 0 7.6 10l-1.8-.9A7 7 0 0 1 12 5z") +
      path("M12 19a7 7 0 0 1-6.3-4H3l3.5-4L10 15H7.9a5 5 0 0 0 8.5-1l1.8.9A7 7 0 0 1 12 19z"),
    rollout: box(4, 15, 4, 5) + box(10, 10, 4, 10, 'opacity="0.7"') + box(16, 4, 4, 16, pale),
    practise: [6, 12, 18].flatMap((y) => [6, 12, 18].map((x) => dot(x, y, 2, x === y ? pale : ""))).join(""),
    benchmarks: box(4, 5, 16, 3) + box(4, 10, 9, 3, pale) + box(4, 15, 13, 3),
    records: box(5, 3, 14, 18, pale) + box(8, 7, 8, 2) + box(8, 11, 8, 2) + box(8, 15, 5, 2),
  };
  const OTHER = box(5, 3, 14, 18, pale) + path("M9 8l7 4-7 4z");
  const icon = (name) => `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" width="16">${ICONS[name] ?? OTHER}</svg>`;

  let scope;
  const shared = async (name) => (await Object.values(scope[name])[0].get())();

  async function plugin() {
    const names = ["launcher", "apputils", "services", "ui-components"];
    const [launcher, apputils, services, ui] = await Promise.all(names.map((name) => shared(`@jupyterlab/${name}`)));

    async function ask(app, init = {}) {
      const settings = app.serviceManager.serverSettings;
      const answer = await services.ServerConnection.makeRequest(`${settings.baseUrl}sbkernel/templates`, init, settings);
      const said = await answer.json();
      if (!answer.ok) throw new Error(said.message ?? answer.statusText);
      return said;
    }

    function add(app, template, tiles, palette, rank) {
      const command = `sbkernel:new-${template.name}`;
      app.commands.addCommand(command, {
        label: (args) => (args.isPalette ? `New ${template.name} notebook` : template.label),
        caption: `${template.title}: a new working copy of ${template.name}.ipynb`,
        icon: new ui.LabIcon({ name: command, svgstr: icon(template.name) }),
        execute: async (args) => {
          const directory = app.serviceManager.contents.localPath(args.cwd ?? "");
          const drive = (args.cwd ?? "").slice(0, (args.cwd ?? "").length - directory.length);
          try {
            const made = await ask(app, { method: "POST", body: JSON.stringify({ name: template.name, directory }) });
            return await app.commands.execute("docmanager:open", { path: `${drive}${made.path}` });
          } catch (error) {
            await apputils.showErrorMessage(`No copy of ${template.name}.ipynb`, error);
          }
        },
      });
      tiles?.add({ command, category: CATEGORY, rank });
      palette?.addItem({ command, category: CATEGORY, args: { isPalette: true } });
    }

    return {
      id: "sbkernel:launcher",
      description: "Adds the notebooks of sbkernel to the launcher.",
      autoStart: true,
      optional: [launcher.ILauncher, apputils.ICommandPalette],
      activate: (app, tiles, palette) => {
        ask(app).then(
          (templates) => templates.forEach((template, rank) => add(app, template, tiles, palette, rank)),
          (error) => console.warn(`sbkernel: no tiles in the launcher: ${error.message}`),
        );
      },
    };
  }

  (window._JUPYTERLAB ??= {}).sbkernel = {
    init: (given) => { scope = given; },
    get: async () => {
      const made = await plugin();
      return () => ({ __esModule: true, default: made });
    },
  };
})();
