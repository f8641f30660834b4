// Batches and operations, and the timeline of one.
import { call } from '../api.js';
import { Ago, Change, DocumentLink, Empty, Facts, Loaded, Name, ReadOnly, State, Table, Timeline, Trouble, When, number, percent, plural } from '../parts.js';
import { html, link, useLoad, useState } from '../view.js';
import { Verdict } from './verdict.js';

export function Work() {
  const batches = useLoad(() => call('batches'), [], { every: 15000 });
  const operations = useLoad(() => call('operations?limit=50'), []);
  return html`<h1 tabindex="-1">Batches and operations</h1>
    <section><h2>Batches</h2><${Loaded} from=${batches}>${(data) => data.batches.length === 0
      ? html`<${Empty} title="No batch yet"><p>Documents go to the service in batches of up to 25. Upload one, and its batch appears here.</p><//>`
      : html`<${Table} label="Batches" rows=${data.batches} rowKey=${(row) => row.id} columns=${[
          { title: 'Batch', cell: (row) => html`<a href=${link('batch', { id: row.id })}><code>${row.id.slice(0, 12)}</code></a>` },
          { title: 'State', cell: (row) => html`<${State}>${row.waiting_for_model ? 'waiting' : row.state}<//>` },
          { title: 'Documents', numeric: true, cell: (row) => number(row.documents) },
          { title: 'Planned', wide: true, cell: (row) => html`<${Ago} at=${row.created} />` },
          { title: 'Closed', cell: (row) => (row.closed ? html`<${Ago} at=${row.closed} />` : '–') },
        ]} />
        ${!data.listed_all && html`<p class="quiet">There are more open batches than these 1,000.</p>`}`}<//></section>
    <section><h2>Operations</h2><${Loaded} from=${operations}>${(data) => data.operations.length === 0
      ? html`<${Empty} title="No operation yet"><p>Retraining, publishing and sending many documents again are operations. Start one under <a href=${link('models')}>Models</a> or <a href=${link('failures')}>Failures</a>.</p><//>`
      : html`<${OperationTable} operations=${data.operations} />`}<//></section>`;
}

export function OperationTable({ operations }) {
  return html`<${Table} label="Operations" rows=${operations} rowKey=${(row) => row.id} columns=${[
    { title: 'Operation', cell: (row) => html`<a href=${link('operation', { id: row.id })}>${row.kind.replaceAll('_', ' ')}</a>` },
    { title: 'State', cell: (row) => html`<${State}>${row.state}<//>` },
    { title: 'Project', wide: true, cell: (row) => html`<${Name} short>${row.project}<//>` },
    { title: 'Begun', cell: (row) => html`<${Ago} at=${row.created} />` },
  ]} />`;
}

export function Batch({ query }) {
  const id = query.get('id') || '';
  const batch = useLoad(() => call(`batches/${encodeURIComponent(id)}`), [id]);
  return html`<p><a href=${link('work')}>Batches and operations</a></p><h1 tabindex="-1">Batch <code>${id.slice(0, 12)}</code></h1>
    <${Loaded} from=${batch}>${(data) => html`
      <p class="lead"><${State}>${data.state}<//> ${plural(data.documents.length, 'document')}${data.waiting ? html`: <${Name}>${data.waiting}<//>` : ''}</p>
      ${data.failing && html`<p class="note bad">Its steps end with ${data.failing}, a bug. It was set aside ${plural(data.dead_letters, 'time')}; the log has the rest.</p>`}
      ${data.deferred && html`<p class="note due">Put off (${data.deferred.code}) until <${When} at=${data.deferred.until} />.</p>`}
      <${Facts} of=${[
        ['Model', data.model && html`<${Name}>${data.model.label}<//>`],
        ['API version', data.api_version],
        ['Planned', html`<${When} at=${data.created} />`],
        ['Jobs of the service', data.jobs.length],
      ]} />
      <div class="columns"><section><h2>Timeline</h2><${Timeline} events=${data.history} /></section>
      <section><h2>Documents</h2><${Table} label="Documents of the batch" rows=${data.documents} columns=${[
        { title: 'Name', cell: (row) => html`<${DocumentLink} name=${row.document.name} />` },
        { title: 'Outcome', cell: (row) => (row.outcome ? html`<${State}>${row.outcome}<//>` : 'under way') },
        { title: 'Attempt', numeric: true, wide: true, cell: (row) => row.attempt + 1 },
      ]} /></section></div>`}<//>`;
}

export function Operation({ query }) {
  const id = query.get('id') || '';
  const [problem, setProblem] = useState(null);
  const [isOver, setIsOver] = useState(false);
  const load = () => call(`operations/${encodeURIComponent(id)}`).then((data) => { setIsOver(data.state !== 'running'); return data; });
  const operation = useLoad(load, [id], { every: isOver ? undefined : 3000 });
  const cancel = () => call(`operations/${encodeURIComponent(id)}/cancel`, { method: 'POST' }).then(operation.reload, setProblem);
  return html`<p><a href=${link('work')}>Batches and operations</a></p>
    <${Loaded} from=${operation}>${(data) => html`
      <h1 tabindex="-1">${title(data)}</h1><${ReadOnly} />
      <p class="lead"><${State}>${data.state}<//> ${data.reason ? html`<${Name}>${data.reason}<//>` : html`step <b>${data.step.replaceAll('_', ' ')}</b>`}</p>
      <${Trouble} problem=${problem} />
      ${data.gate && html`<section><h2>Verdict</h2><${Verdict} gate=${data.gate} project=${data.project} label=${data.label} /></section>`}
      <${Facts} of=${[
        ['Project', html`<${Name}>${data.project}<//>`],
        ['Model', data.label && html`<a href=${link('models', { project: data.project, first: data.label })}><${Name}>${data.label}<//></a>`],
        ['Begun', html`<${When} at=${data.created} />`],
        ['Ended', data.ended && html`<${When} at=${data.ended} />`],
        ['Sent', data.sent !== undefined && `${number(data.sent)} of ${number(data.total)}`],
        ['Progress', data.state === 'running' && data.percent !== null && percent(data.percent / 100)],
        ['Errors', data.errors.length > 0 && html`<ul>${data.errors.map((each) => html`<li><${Name}>${each.code}: ${each.message}<//></li>`)}</ul>`],
      ]} />
      ${data.state === 'running' && html`<div class="row"><${Change} onClick=${cancel} disabled=${data.cancel_requested}>${data.cancel_requested ? 'It will stop' : 'Cancel it'}<//></div>`}
      <section><h2>Timeline</h2><${Timeline} events=${data.history} /></section>`}<//>`;
}

function title(operation) {
  const kind = operation.kind.replaceAll('_', ' ');
  return operation.label ? html`${kind[0].toUpperCase()}${kind.slice(1)} <${Name}>${operation.label}<//>` : `${kind[0].toUpperCase()}${kind.slice(1)}`;
}
