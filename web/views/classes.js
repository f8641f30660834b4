// Classes over time, and whether what comes in still looks like what the model was tried on.
import { call } from '../api.js';
import { Empty, Loaded, Name, Table, number, percent, plural } from '../parts.js';
import { Stacked } from '../charts.js';
import { dictionary, html, link, useLoad } from '../view.js';

const SHOWN = 8;
const SPANS = [7, 14, 30];

export function Classes({ query }) {
  const days = SPANS.includes(Number(query.get('days'))) ? Number(query.get('days')) : 7;
  const metrics = useLoad(() => call(`metrics?days=${days}`), [days]);
  return html`<h1 tabindex="-1">Classes over time</h1>
    <nav class="chips" aria-label="Days">${SPANS.map((each) => html`<a class="chip" href=${link('classes', { days: each })} aria-current=${each === days ? 'true' : undefined}>${each} days</a>`)}</nav>
    <${Loaded} from=${metrics}>${(data) => (data.days.length === 0
      ? html`<${Empty} title="Nothing was classified in these days"><p>Upload documents, or look further back. What is classified is counted when its batch closes.</p><//>`
      : html`<${Days} data=${data} />`)}<//>`;
}

function Days({ data }) {
  const totals = dictionary();
  const byDay = new Map();
  for (const each of data.days) {
    const day = byDay.get(each.day) || { title: each.day, parts: dictionary(), documents: 0, accepted: 0, review: 0 };
    byDay.set(each.day, day);
    day.documents += each.documents;
    day.accepted += each.accepted || 0;
    day.review += each.review || 0;
    for (const [name, count] of Object.entries(each.classes)) {
      totals[name] = (totals[name] || 0) + count;
      day.parts[name] = (day.parts[name] || 0) + count;
    }
  }
  const ranked = Object.keys(totals).sort((one, other) => totals[other] - totals[one]);
  const names = ranked.slice(0, SHOWN);
  const rest = ranked.slice(SHOWN);
  const bars = [...byDay.values()].sort((one, other) => one.title.localeCompare(other.title));
  if (rest.length > 0) {
    for (const bar of bars) bar.parts['all others'] = rest.reduce((sum, name) => sum + (bar.parts[name] || 0), 0);
  }
  const shown = rest.length > 0 ? [...names, 'all others'] : names;
  return html`
    ${data.models.map((model) => html`<${Model} model=${model} />`)}
    <figure><figcaption>Classes by day</figcaption><${Stacked} label="Number of documents of each class by day" bars=${bars} names=${shown} />
      <ul class="legend">${shown.map((name, index) => html`<li><span class=${`swatch c${index % 9}`} aria-hidden="true"></span><${Name} short>${name}<//> <span class="quiet">${number(bars.reduce((sum, bar) => sum + (bar.parts[name] || 0), 0))}</span></li>`)}</ul>
      <details><summary>As a table</summary><${Table} label="Classes by day" rows=${bars} columns=${[
        { title: 'Day', cell: (row) => row.title },
        { title: 'Documents', numeric: true, cell: (row) => number(row.documents) },
        { title: 'Accepted', numeric: true, cell: (row) => number(row.accepted) },
        { title: 'To review', numeric: true, cell: (row) => number(row.review) },
        ...shown.map((name) => ({ title: html`<${Name} short>${name}<//>`, numeric: true, cell: (row) => number(row.parts[name] || 0) })),
      ]} /></details></figure>
    ${!data.listed_all && html`<p class="quiet">There are more batches in these days than were counted.</p>`}`;
}

function Model({ model }) {
  const { drift } = model;
  return html`<p class=${drift && drift.has_left ? 'note due' : 'lead'}>
    <a href=${link('models', { first: model.model })}><${Name}>${model.model}<//></a>: ${plural(model.documents, 'document')}${
      model.estimated_accuracy === null || model.estimated_accuracy === undefined ? '' : `, about ${percent(model.estimated_accuracy)} of them right by its calibrated confidences`}.
    ${drift && (drift.has_left
      ? html` <strong>What comes in no longer looks like the golden documents</strong>${drift.class ? html`, most of all in <${Name}>${drift.class}<//>` : ''}: label some of it, and retrain.`
      : ' What comes in looks like the golden documents.')}</p>`;
}
