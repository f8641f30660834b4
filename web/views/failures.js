// What has failed, by reason, and sending it again by that filter.
import { call } from '../api.js';
import { Ago, Change, DocumentLink, Empty, Loaded, Name, ReadOnly, Table, Trouble, number, plural } from '../parts.js';
import { dictionary, go, html, link, useEffect, useLoad, useState } from '../view.js';

const MEANS = dictionary(Object.entries({
  empty: 'there is no text in it',
  too_large: 'it is over the limit of bytes or characters',
  binary: 'it is not text',
  unreadable: 'its bytes are no text that can be read, or storage does not give it',
  refused: 'the service refuses every request with it',
  document_error: 'the service reports an error for it',
  job_failed: 'the service’s job failed',
  job_expired: 'the service’s job expired before it was read',
  no_result: 'the service gave no result for it',
  malformed_answer: 'the service’s answer cannot be used',
  poisoned: 'its batch failed again and again',
}));

export function Failures({ query }) {
  const reason = query.get('reason') || '';
  const prefix = query.get('prefix') || '';
  const [typed, setTyped] = useState(prefix);
  useEffect(() => setTyped(prefix), [prefix]);
  const asked = new URLSearchParams({ ...(reason && { reason }), prefix });
  const list = useLoad(() => call(`failures?${asked}`), [reason, prefix]);
  const filter = (event) => {
    event.preventDefault();
    go('failures', { reason, prefix: typed });
  };
  return html`<h1 tabindex="-1">Failures</h1><${ReadOnly} />
    <${Loaded} from=${list}>${(data) => {
      const all = Object.values(data.by_reason).reduce((sum, count) => sum + count, 0);
      if (all === 0 && !prefix) return html`<${Empty} title="Nothing has failed"><p>Documents that cannot be classified appear here, by reason, with a way to send them again.</p><//>`;
      return html`
        <form class="row" role="search" onSubmit=${filter}>
          <label for="prefix">Name begins with</label>
          <input id="prefix" type="search" autocomplete="off" spellcheck="false" dir="auto" value=${typed} onInput=${(event) => setTyped(event.target.value)} />
          <button type="submit">Filter</button>
        </form>
        <nav aria-label="Reasons" class="chips">
          <a class="chip" href=${link('failures', { prefix })} aria-current=${reason ? undefined : 'true'}>all <b>${data.listed_all ? '' : 'over '}${number(all)}</b></a>
          ${Object.entries(data.by_reason).map(([code, count]) => html`<a class="chip" href=${link('failures', { reason: code, prefix })} aria-current=${reason === code ? 'true' : undefined}>${code.replaceAll('_', ' ')} <b>${number(count)}</b></a>`)}
        </nav>
        ${reason && html`<p class="lead">${reason.replaceAll('_', ' ')}: ${MEANS[reason] || ''}.</p>`}
        <${SendAgain} key=${`${reason}|${prefix}`} reason=${reason} prefix=${prefix} />
        ${data.failures.length === 0
          ? html`<${Empty} title="None of these"><p>No failure record fits the filter. <a href=${link('failures')}>Show all</a></p><//>`
          : html`<${Table} label="Failures" rows=${data.failures} rowKey=${(row) => row.record} columns=${[
              { title: 'Document', cell: (row) => (row.name ? html`<${DocumentLink} name=${row.name} />` : html`<${Name} short>${row.record}<//>`) },
              { title: 'Reason', cell: (row) => (row.code || 'unknown').replaceAll('_', ' ') },
              { title: 'Model', wide: true, cell: (row) => (row.model ? html`<${Name} short>${row.model}<//>` : '–') },
              { title: 'Batch', wide: true, cell: (row) => (row.batch ? html`<a href=${link('batch', { id: row.batch })}><code>${row.batch.slice(0, 8)}</code></a>` : '–') },
              { title: 'Failed', cell: (row) => html`<${Ago} at=${row.failed} />` },
            ]} />`}`;
    }}<//>`;
}

// Counted first, then sent: what goes again is paid for again.
function SendAgain({ reason, prefix }) {
  const [counted, setCounted] = useState(null);
  const [started, setStarted] = useState(null);
  const [problem, setProblem] = useState(null);
  const filter = { ...(reason && { reason }), prefix };
  const ask = (body) => call('failures/redrive', { method: 'POST', body: { ...filter, ...body } });
  const count = () => ask({ dry_run: true }).then((answer) => { setCounted(answer.documents); setProblem(null); }, setProblem);
  const send = () => ask({ confirm: true }).then((answer) => { setStarted(answer); setCounted(null); }, setProblem);
  if (started) {
    return html`<p class="note good" role="status">They are on their way. <a href=${link('operation', { id: started.id })}>Watch the operation</a></p>`;
  }
  return html`<${Trouble} problem=${problem} />
    <div class="row">${counted === null
      ? html`<${Change} onClick=${count}>Send these again…<//>`
      : html`<p role="status">${plural(counted, 'document')} ${counted === 1 ? 'goes' : 'go'} through the service once more, which is paid for.</p>
          <${Change} kind="main" disabled=${counted === 0} onClick=${send}>Send ${number(counted)} again<//>
          <button type="button" onClick=${() => setCounted(null)}>Cancel</button>`}</div>`;
}
