// Documents by the beginning of their name; one document: where it is, why, and its records.
import { call } from '../api.js';
import { Bar, DocumentLink, Empty, Facts, Loaded, Name, State, Table, Timeline, Trouble, Ago, When, number, percent } from '../parts.js';
import { go, html, link, useEffect, useLoad, useState } from '../view.js';

export function Documents({ query }) {
  const prefix = query.get('prefix') || '';
  const token = query.get('token') || '';
  const [typed, setTyped] = useState(prefix);
  useEffect(() => setTyped(prefix), [prefix]);
  const list = useLoad(() => call(`documents?${new URLSearchParams({ prefix, ...(token && { token }) })}`), [prefix, token]);
  const search = (event) => {
    event.preventDefault();
    go('documents', { prefix: typed });
  };
  return html`<h1 tabindex="-1">Documents</h1>
    <form class="row" role="search" onSubmit=${search}>
      <label for="prefix">Name begins with</label>
      <input id="prefix" type="search" autocomplete="off" spellcheck="false" dir="auto" value=${typed} onInput=${(event) => setTyped(event.target.value)} placeholder="inbox/" />
      <button type="submit" class="main">Search</button>
    </form>
    <${Loaded} from=${list}>${(data) => html`<${List} data=${data} prefix=${prefix} token=${token} />`}<//>`;
}

function List({ data, prefix, token }) {
  if (data.documents.length === 0) {
    return prefix
      ? html`<${Empty} title="No document begins like that"><p>Names are case-sensitive, and folders belong to them: <code>inbox/letter.txt</code>. <a href=${link('documents')}>Show all</a></p><//>`
      : html`<${Empty} title="First: upload a document"><p>Put a <code>.txt</code> file into the container for documents. It appears here at once, and its classes some seconds later.</p><//>`;
  }
  return html`<${Table} label="Documents" rows=${data.documents} rowKey=${(row) => row.name} columns=${[
      { title: 'Name', cell: (row) => html`<${DocumentLink} name=${row.name} />` },
      { title: 'State', cell: (row) => html`<${State}>${row.state}<//>${row.code ? html` <span class="quiet">${row.code}</span>` : ''}` },
      { title: 'Decision', wide: true, cell: (row) => (row.decision ? html`<${State}>${row.decision}<//>` : '–') },
      { title: 'Model', wide: true, cell: (row) => (row.model ? html`<${Name} short>${row.model}<//>` : '–') },
      { title: 'Bytes', numeric: true, wide: true, cell: (row) => number(row.size) },
      { title: 'Uploaded', cell: (row) => html`<${Ago} at=${row.last_modified} />` },
    ]} />
    <nav class="row" aria-label="Pages of the list">
      ${token && html`<a class="button" href=${link('documents', { prefix })}>Back to the first</a>`}
      ${data.token && html`<a class="button" href=${link('documents', { prefix, token: data.token })}>Next ${data.documents.length}</a>`}
    </nav>
    ${data.documents.some((row) => row.state === 'unknown') && html`<p class="quiet">“Unknown”: there are so many records of deleted documents in between that the list stopped looking. Open the document to see.</p>`}`;
}

export function Document({ query }) {
  const name = query.get('name') || '';
  const at = `documents?${new URLSearchParams({ name })}`;
  const found = useLoad(() => call(at), [name]);
  const [sent, setSent] = useState(null);
  const [problem, setProblem] = useState(null);
  const send = () => call(`documents/classify?${new URLSearchParams({ name })}`, { method: 'POST' }).then(
    (answer) => { setSent(answer); setProblem(null); found.reload(); }, setProblem);
  return html`<p><a href=${link('documents')}>Documents</a></p><h1 tabindex="-1"><${Name}>${name}<//></h1>
    <${Loaded} from=${found}>${(data) => html`
      <p class="lead"><${State}>${data.state}<//> <${Name}>${data.why}<//></p>
      <${Trouble} problem=${problem} />
      ${sent && html`<p class="note good" role="status">Sent again. It is classified in a batch of its own, and keeps its record until then. <button type="button" onClick=${found.reload}>Look again</button></p>`}
      <div class="row"><button type="button" class="main" disabled=${['deleted', 'ignored'].includes(data.state)} onClick=${send}>Send again</button></div>
      <div class="columns">
        ${data.classification && html`<${Classification} record=${data.classification} />`}
        ${data.failure && html`<section><h2>Failure</h2><${Facts} of=${[
          ['Reason', html`<a href=${link('failures', { reason: data.failure.code })}>${data.failure.code}</a>`],
          ['Message', html`<${Name}>${data.failure.message}<//>`],
          ['Failed', html`<${When} at=${data.failure.failed} />`],
          ['Batch', data.failure.batch && html`<a href=${link('batch', { id: data.failure.batch })}><code>${data.failure.batch.slice(0, 12)}</code></a>`],
        ]} /></section>`}
        <section><h2>Blob</h2><${Facts} of=${[
          ['Bytes', number(data.size)],
          ['Uploaded', data.last_modified && html`<${When} at=${data.last_modified} />`],
          ['ETag', data.etag && html`<code>${data.etag}</code>`],
          ['Open batch', data.batch && html`<a href=${link('batch', { id: data.batch.id })}><code>${data.batch.id.slice(0, 12)}</code></a> ${data.batch.state}`],
        ]} /></section>
      </div>
      <section><h2>History</h2><${Timeline} events=${historyOf(data)} /></section>`}<//>`;
}

function Classification({ record }) {
  return html`<section><h2>Classification</h2>
    ${record.classes.length === 0 && html`<p>The model names no class.</p>`}
    <ul class="classes">${record.classes.map((each) => html`<li><${Name}>${each.name}<//> <span class="numeric">${percent(each.confidence, 1)}</span><${Bar} share=${each.confidence} /></li>`)}</ul>
    <${Facts} of=${[
      ['Decision', record.decision && html`<${State}>${record.decision.decision}<//>${record.decision.is_audit ? ' (one of a random share)' : ''}`],
      ['Reviewed', record.review && html`<${Name}>${record.review.classes.join(', ') || 'no class'}<//> by <${Name}>${record.review.by}<//>`],
      ['Model', html`<a href=${link('models', { project: record.project, first: record.model.label })}><${Name}>${record.model.label}<//></a>`],
      ['Batch', html`<a href=${link('batch', { id: record.batch.id })}><code>${record.batch.id.slice(0, 12)}</code></a>`],
      ['Warnings', record.warnings.length > 0 && html`<ul>${record.warnings.map((each) => html`<li><${Name}>${each.code}: ${each.message}<//></li>`)}</ul>`],
    ]} /></section>`;
}

function historyOf({ classification, failure, last_modified: uploaded }) {
  const { timings = {} } = classification || {};
  const events = [
    { at: timings.uploaded || uploaded, what: 'uploaded' },
    { at: timings.planned, what: 'planned into a batch' },
    { at: timings.submitted, what: 'submitted to the Language service' },
    { at: timings.completed, what: 'classified' },
    { at: failure && failure.failed, what: failure ? `failed: ${failure.code}` : '' },
    { at: classification && classification.review && classification.review.at, what: 'reviewed' },
  ];
  if (timings.uploaded && uploaded && new Date(uploaded) - new Date(timings.uploaded) > 1000) {
    events.push({ at: uploaded, what: 'uploaded again' });
  }
  return events.filter((event) => event.at).sort((one, other) => new Date(one.at) - new Date(other.at));
}
