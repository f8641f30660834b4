// What is under way, what is waited for and why, and where to go next.
import { call } from '../api.js';
import { Ago, DocumentLink, Empty, Facts, Loaded, Name, Table, When, number, plural } from '../parts.js';
import { dictionary, html, link, useLoad } from '../view.js';

const WAITS = dictionary(Object.entries({
  language_throttled: 'The Language service throttles us (429).',
  language_unavailable: 'The Language service does not answer.',
  language_access: 'The Language service refuses access: check the identity’s roles, or the key.',
  answer_lost: 'An answer of the Language service was lost; it is asked for again.',
  language_busy: 'The Language service is busy with something else in the project.',
  rate_limited: 'Our own rate limit holds requests back.',
  storage_unavailable: 'Storage does not serve the app.',
  state_unreadable: 'A blob of the app’s own cannot be read.',
}));

export function Overview() {
  const status = useLoad(() => call('status'), [], { every: 10000 });
  return html`<h1 tabindex="-1">Overview</h1><${Loaded} from=${status}>${(data) => html`<${Now} status=${data} />`}<//>`;
}

function Now({ status }) {
  const { batches, queues, throughput, documents, active_model: model } = status;
  const inBatches = ['planned', 'submitted', 'waiting_for_model'].reduce((sum, each) => sum + batches[each].documents, 0);
  const waiting = queues.documents + inBatches;
  return html`
    ${status.problems.map((problem) => html`<div class="note bad" role="alert"><${Name}>${problem}<//></div>`)}
    ${!model && html`<${First} />`}
    <section aria-label="Right now" class="tiles">
      <${Tile} title="Waiting" value=${number(waiting)} more=${`${number(queues.documents)} queued, ${number(inBatches)} in ${plural(
        batches.planned.batches + batches.submitted.batches + batches.waiting_for_model.batches, 'batch', 'batches')}`} href=${link('work')} />
      <${Tile} title="Oldest waiting" value=${status.oldest_waiting ? html`<${Ago} at=${status.oldest_waiting} suffix="" />` : 'none'} more=${status.oldest_waiting ? 'since it was uploaded or sent' : 'everything is done'} />
      <${Tile} title="Done in the last hour" value=${throughput ? `${throughput.listed_all ? '' : 'over '}${number(throughput.documents)}` : '–'} more=${throughput ? `in ${plural(throughput.batches, 'batch', 'batches')}` : 'not counted while all waits'} />
      <${Tile} title="Recent failures" value=${`${number(status.recent_failures.length)}${status.recent_failures.length >= 20 ? '+' : ''}`} more="grouped by reason" href=${link('failures')} />
    </section>
    <${Waits} status=${status} />
    <div class="columns">
      <section><h2>Model in use</h2>${model ? html`<${Model} model=${model} />` : html`<p class="quiet">None yet.</p>`}</section>
      <section><h2>All documents</h2>${documents
        ? html`<${Facts} of=${[
            ['Documents', html`<a href=${link('documents')}>${number(documents.documents)}</a>`],
            ['Classified', number(documents.classified)],
            ['Failed', number(documents.failed)],
            ['Without a record', number(documents.missing)],
            ['Counted', html`<${Ago} at=${documents.as_of} />`],
          ]} />`
        : html`<p class="quiet">Not counted yet: the reconcile timer counts them, within the hour on Azure. <a href=${link('documents')}>List them</a>.</p>`}
      </section>
    </div>
    ${status.acceptance && html`<${Acceptance} acceptance=${status.acceptance} />`}
    ${status.recent_failures.length > 0 && html`<section><h2>Newest failures</h2>
      <${Table} label="Newest failures" rows=${status.recent_failures.slice(0, 5)} columns=${[
        { title: 'Document', cell: (row) => html`<${DocumentLink} name=${row.record.replace(/\.json$/, '')} />` },
        { title: 'Reason', cell: (row) => html`<a href=${link('failures', { reason: row.code })}>${row.code || 'unknown'}</a>` },
        { title: 'Failed', cell: (row) => html`<${Ago} at=${row.failed} />` },
      ]} /></section>`}
    <p class="quiet">As of <${When} at=${status.as_of} />; refreshed every 10 seconds while you look.</p>`;
}

function Tile({ title, value, more, href }) {
  const content = html`<span class="tile-title">${title}</span><span class="tile-value">${value}</span><span class="quiet">${more}</span>`;
  return href ? html`<a class="tile" href=${href}>${content}</a>` : html`<div class="tile">${content}</div>`;
}

function Waits({ status }) {
  const { waiting, waits } = status;
  if (!waiting && waits.length === 0) return null;
  return html`<section><h2>What is waited for</h2><ul class="waits">
    ${waiting && html`<li><strong>No batch can be submitted.</strong> <${Name}>${waiting.why}<//>${' '}
      <span class="quiet">Since <${When} at=${waiting.since} />. <a href=${link('batch', { id: waiting.batch })}>The batch that waits</a></span></li>`}
    ${waits.map((each) => html`<li><strong>${each.what}</strong>: ${WAITS[each.reason] || each.reason}${' '}
      <span class="quiet">${each.records ? `${plural(each.records, 'record')} wait. ` : ''}${each.since ? html`Since <${When} at=${each.since} />. ` : ''}${
        each.until ? html`Tried again at <${When} at=${each.until} />.` : ''}</span></li>`)}
  </ul></section>`;
}

function Model({ model }) {
  return html`${model.warning && html`<div class="note due">${model.warning}</div>`}<${Facts} of=${[
    ['Model', html`<a href=${link('models', { project: model.project, first: model.label })}><${Name}>${model.label}<//></a>`],
    ['Project', html`<${Name}>${model.project}<//>`],
    ['Kind', model.kind.replace('_', ' ')],
    ['Published', model.published && html`<${Ago} at=${model.published} />`],
    ['How', model.operation && html`<a href=${link('operation', { id: model.operation })}>the operation that published it</a>`],
    ['Expires', model.expires],
    ['Held until', model.held_until && html`<${When} at=${model.held_until} />`],
  ]} />`;
}

function Acceptance({ acceptance }) {
  const { precision_in_use: used } = acceptance;
  return html`<section><h2>What is accepted</h2>
    ${acceptance.threshold === null || acceptance.threshold === undefined
      ? html`<p>Nothing is accepted without a look: the golden documents cannot promise ${Math.round(100 * acceptance.precision)} % yet.${
          acceptance.documents_needed ? ` About ${number(acceptance.documents_needed)} of them would.` : ''} <a href=${link('review')}>Review</a></p>`
      : html`<p>Results of at least ${acceptance.threshold} confidence are accepted; at least ${Math.round(100 * acceptance.precision)} % of them are right (confidence ${acceptance.confidence}, ${plural(acceptance.documents, 'golden document')}).</p>`}
    <${Facts} of=${[
      ['Accepted', acceptance.accepted !== undefined && number(acceptance.accepted)],
      ['To review', acceptance.review !== undefined && html`<a href=${link('review')}>${number(acceptance.review)}</a>`],
      ['Right in use', used && `${number(used.right)} of ${number(used.of)} audited`],
      ['So at least', used && `${Math.round(100 * used.low)} to ${Math.round(100 * used.high)} %`],
    ]} /></section>`;
}

function First() {
  return html`<${Empty} title="First: train a model">
    <p>No model is in use, so documents wait. Three steps, each one command or one request:</p>
    <ol>
      <li>Put labelled <code>.txt</code> files into the training container, and their labels: <code>PUT /api/projects/NAME</code>, then <code>PUT /api/projects/NAME/labels</code>.</li>
      <li>Train and publish: <code>POST /api/projects/NAME/retrain</code>, or the button under <a href=${link('models')}>Models</a>.</li>
      <li>Upload documents. Their classes appear under <a href=${link('documents')}>Documents</a>.</li>
    </ol>
    <p><code>make first-run</code> does all of it with sample documents.</p>
  <//>`;
}
