// Run by browsers in the index of a gallery: lists the records that the page holds, and searches them.
'use strict';
(() => {
  const STEP = 200;
  const at = id => document.getElementById(id);
  const records = JSON.parse(at('data').textContent);
  const fields = ['status', 'notebook', 'image'];
  let shown = STEP;

  const pairs = record => Object.entries(record.parameters).map(([name, value]) =>
    `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`).join(' ');
  const texts = new Map(records.map(record => [record,
    [record.when, record.status, record.notebook, record.image, record.digest, record.who, record.host, record.run,
      record.error, pairs(record)].join(' ').toLowerCase()]));

  const took = seconds => {
    if (seconds === null || seconds === undefined) return '';
    if (seconds < 60) return `${seconds.toFixed(1)} s`;
    const minutes = Math.floor(seconds / 60);
    return minutes < 60 ? `${minutes} min ${Math.floor(seconds % 60)} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  };

  // Everything goes in as text: nothing that a record says is markup.
  const el = (tag, text, name) => {
    const made = document.createElement(tag);
    if (text) made.textContent = text;
    if (name) made.className = name;
    return made;
  };

  const row = record => {
    const made = el('tr');
    const link = el(record.href ? 'a' : 'span', record.when || '?');
    if (record.href) link.href = record.href;
    const first = el('td');
    first.append(link);
    const image = el('td', record.image);
    if (record.digest) image.append(' ', el('code', record.digest));
    const more = el('td', '', 'wide');
    more.append(el('code', pairs(record)));
    if (record.error) more.append(el('div', record.error, 'error'));
    made.append(first, el('td', record.status, `status ${record.status}`), el('td', took(record.seconds), 'number'),
      el('td', record.notebook), image, more, el('td', [record.who, record.host].filter(Boolean).join('@')));
    return made;
  };

  const show = () => {
    const words = at('words').value.toLowerCase().split(/\s+/).filter(Boolean);
    const found = records.filter(record => fields.every(name => !at(name).value || record[name] === at(name).value)
      && words.every(word => texts.get(record).includes(word)));
    at('rows').replaceChildren(...found.slice(0, shown).map(row));
    at('count').textContent = found.length === records.length ? `${records.length} records`
      : `${found.length} of ${records.length} records`;
    at('more').hidden = found.length <= shown;
    const state = new URLSearchParams(['words', ...fields].filter(name => at(name).value).map(name => [name, at(name).value]));
    history.replaceState(null, '', state.size ? `#${state}` : location.pathname);
  };

  const wanted = new URLSearchParams(location.hash.slice(1));
  for (const name of fields) {
    const values = [...new Set(records.map(record => record[name]).filter(Boolean))].sort();
    at(name).append(new Option('all', ''), ...values.map(value => new Option(value, value)));
  }
  for (const name of ['words', ...fields]) at(name).value = wanted.get(name) || '';
  at('form').addEventListener('input', () => { shown = STEP; show(); });
  at('form').addEventListener('submit', event => event.preventDefault());
  at('more').addEventListener('click', () => { shown += STEP; show(); });
  show();
})();
