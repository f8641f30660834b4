// Small parts that views share. All text goes through Preact, which escapes it; names are isolated by <bdi>.
import { session } from './api.js';
import { dictionary, html, link } from './view.js';

const NUMBER = new Intl.NumberFormat('en');
const WHEN = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'medium' });

export const number = (value) => (value === null || value === undefined ? '–' : NUMBER.format(value));
export const percent = (value, digits = 0) =>
  value === null || value === undefined ? '–' : `${(100 * value).toFixed(digits)} %`;
export const figure = (value) => (value === null || value === undefined ? '–' : value.toFixed(3));
export const plural = (count, one, many = `${one}s`) => `${number(count)} ${count === 1 ? one : many}`;

const UNITS = [
  ['d', 86400],
  ['h', 3600],
  ['min', 60],
  ['s', 1],
];

export function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const at = UNITS.findIndex(([, size]) => whole >= size);
  if (at < 0) return '0 s';
  const [unit, size] = UNITS[at];
  const rest = at + 1 < UNITS.length ? Math.floor((whole % size) / UNITS[at + 1][1]) : 0;
  const first = `${Math.floor(whole / size)} ${unit}`;
  return rest && at < 2 ? `${first} ${rest} ${UNITS[at + 1][0]}` : first;
}

export function Ago({ at, suffix = ' ago' }) {
  if (!at) return '–';
  const time = new Date(at);
  return html`<time datetime=${time.toISOString()} title=${WHEN.format(time)}>${duration((Date.now() - time) / 1000)}${suffix}</time>`;
}

export function When({ at }) {
  if (!at) return '–';
  const time = new Date(at);
  return html`<time datetime=${time.toISOString()}>${WHEN.format(time)}</time>`;
}

export function Name({ children, short = false }) {
  return html`<bdi class=${short ? 'name short' : 'name'} title=${short ? children : undefined}>${children}</bdi>`;
}

export function DocumentLink({ name }) {
  return html`<a href=${link('document', { name })}><${Name} short>${name}<//></a>`;
}

const TONES = dictionary(Object.entries({
  classified: 'good', succeeded: 'good', accepted: 'good', closed: 'good',
  failed: 'bad', refused: 'bad', unreadable: 'bad', worse: 'bad',
  review: 'due', waiting: 'due', running: 'due', planned: 'due', submitted: 'due', unclear: 'due',
}));

export function State({ children }) {
  return html`<span class=${`state ${TONES[children] || ''}`}>${String(children).replaceAll('_', ' ')}</span>`;
}

export function Trouble({ problem, retry }) {
  if (!problem) return null;
  const { problems = [] } = problem;
  return html`<div class="note bad" role="alert">
    <p><strong>${problem.title || 'That did not work'}</strong></p>
    ${problem.detail && html`<p><${Name}>${problem.detail}<//></p>`}
    ${problems.length > 0 && html`<ul>${problems.slice(0, 10).map((each) => html`<li><${Name}>${each.place ? `${each.place}: ` : ''}${each.what}<//></li>`)}</ul>`}
    ${retry && html`<p><button type="button" onClick=${retry}>Try again</button></p>`}
  </div>`;
}

export function Empty({ title, children }) {
  return html`<div class="empty"><h2>${title}</h2>${children}</div>`;
}

// What `load` of useLoad gave: its trouble, a word while there is nothing yet, and what to draw of the data.
export function Loaded({ from, children }) {
  return html`<${Trouble} problem=${from.problem} retry=${from.reload} />
    ${from.data ? children(from.data) : !from.problem && html`<p class="quiet" role="status">Loading…</p>`}`;
}

// `columns`: {title, cell, numeric, wide}. Columns that are `wide` are left out on a narrow screen.
export function Table({ label, columns, rows, rowKey }) {
  return html`<div class="scroll" role="region" aria-label=${label} tabindex="0"><table>
    <thead><tr>${columns.map((column) => html`<th scope="col" class=${kind(column)}>${column.title}</th>`)}</tr></thead>
    <tbody>${rows.map((row, index) => html`<tr key=${rowKey ? rowKey(row) : index}>
      ${columns.map((column) => html`<td class=${kind(column)}>${column.cell(row)}</td>`)}</tr>`)}</tbody>
  </table></div>`;
}

const kind = ({ numeric, wide }) => [numeric && 'numeric', wide && 'wide'].filter(Boolean).join(' ') || undefined;

export function Facts({ of }) {
  const shown = of.filter(([, value]) => value !== null && value !== undefined && value !== false && value !== '');
  return html`<dl class="facts">${shown.map(([term, value]) => html`<div><dt>${term}</dt><dd>${value}</dd></div>`)}</dl>`;
}

export function Timeline({ events }) {
  return html`<ol class="timeline">${events.map((event, index) => html`<li>
    <p><${Name}>${event.what}<//></p>
    <p class="quiet"><${When} at=${event.at} />${index > 0 && html` · ${duration((new Date(event.at) - new Date(events[index - 1].at)) / 1000)} later`}</p>
  </li>`)}</ol>`;
}

// A button for what takes the master key.
export function Change({ onClick, disabled, children, kind: look = '' }) {
  const isOpen = session.mayChange;
  return html`<button type="button" class=${look} disabled=${disabled || !isOpen} onClick=${onClick}
    title=${isOpen ? undefined : 'Your key may only read. This takes the master key.'}>${children}</button>`;
}

export function ReadOnly() {
  if (session.mayChange) return null;
  return html`<p class="note">Your key may read, review, and send one document again. What changes more than that takes the host’s master key, so those buttons are off.</p>`;
}

export function Bar({ share }) {
  return html`<svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
    <rect class="track" width="100" height="8" /><rect class="fill" width=${Math.max(0, Math.min(1, share)) * 100} height="8" /></svg>`;
}
