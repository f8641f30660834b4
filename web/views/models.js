// Models: the verdict on the newest, two of them class by class, what is confused, and how far confidences can be trusted.
import { Problem, call } from '../api.js';
import { Ago, Change, Empty, Loaded, Name, ReadOnly, State, Table, Trouble, figure, number, percent, plural } from '../parts.js';
import { AcceptanceCurve, Calibration } from '../charts.js';
import { dictionary, go, html, link, useLoad, useState } from '../view.js';
import { Verdict, signed } from './verdict.js';
import { OperationTable } from './work.js';

const IN_MATRIX = 14;

export function Models({ query }) {
  const asked = query.get('project') || '';
  const world = useLoad(() => findProject(asked), [asked]);
  return html`<h1 tabindex="-1">Models</h1><${ReadOnly} />
    <${Loaded} from=${world}>${({ project, projects, operations }) => (project
      ? html`${projects.length > 1 && html`<nav class="chips" aria-label="Projects">${projects.map((each) => html`<a class="chip" href=${link('models', { project: each })} aria-current=${each === project ? 'true' : undefined}><${Name}>${each}<//></a>`)}</nav>`}
          <${Project} key=${project} project=${project} operations=${operations.filter((each) => each.project === project)} first=${query.get('first')} second=${query.get('second')} />`
      : html`<${First} />`)}<//>`;
}

// The project that was asked for, else that of the newest retraining or publication, else that of the model in use.
async function findProject(asked) {
  const listed = await call('operations?limit=100');
  const operations = listed.operations.filter((each) => each.kind === 'retrain' || each.kind === 'publish');
  const projects = [...new Set([...(asked ? [asked] : []), ...operations.map((each) => each.project)])];
  if (projects.length > 0) return { project: projects[0], projects, operations };
  const { active_model: model } = await call('status');
  return { project: model ? model.project : null, projects: model ? [model.project] : [], operations };
}

function Project({ project, operations, first, second }) {
  const at = `projects/${encodeURIComponent(project)}`;
  const models = useLoad(() => call(`${at}/models`), [project]);
  const newest = operations.find((each) => each.kind === 'retrain');
  const last = useLoad(() => (newest ? call(`operations/${newest.id}`) : Promise.resolve({})), [project]);
  return html`
    ${newest && html`<section><h2>The last retraining</h2><${Loaded} from=${last}>${(data) => html`
      <p class="lead"><${State}>${data.state}<//> <a href=${link('operation', { id: data.id })}><${Name}>${data.label}<//></a>, <${Ago} at=${data.created} />${data.reason ? html`. <${Name}>${data.reason}<//>` : ''}</p>
      ${data.gate && html`<${Verdict} gate=${data.gate} />`}`}<//></section>`}
    <${Loaded} from=${models}>${(data) => (data.models.length === 0
      ? html`<${Empty} title="First: labels, then a model"><p>Project <${Name}>${project}<//> has no model. Put its labels (<code>PUT /api/${at}/labels</code>), then start a retraining.</p><//><${Retrain} project=${project} />`
      : html`<section><h2>All models</h2><${ModelTable} project=${project} models=${data.models} /><${Retrain} project=${project} /></section>
          <${Compared} project=${project} models=${data.models} first=${first} second=${second} />`)}<//>
    ${operations.length > 0 && html`<section><h2>Operations of the project</h2><${OperationTable} operations=${operations.slice(0, 10)} /></section>`}`;
}

function ModelTable({ project, models }) {
  const [problem, setProblem] = useState(null);
  const publish = (model) => call(`projects/${encodeURIComponent(project)}/publish`, { method: 'POST', body: { model } }).then(
    (answer) => go('operation', { id: answer.id }), setProblem);
  return html`<${Trouble} problem=${problem} /><${Table} label="Models" rows=${models} rowKey=${(row) => row.model} columns=${[
    { title: 'Model', cell: (row) => html`<a href=${link('models', { project, first: row.model })}><${Name} short>${row.model}<//></a>${row.in_use ? html` <span class="state good">in use</span>` : ''}` },
    { title: 'Trained', cell: (row) => (row.trained_at ? html`<${Ago} at=${row.trained_at} />` : row.trained) },
    { title: 'Evaluated', wide: true, cell: (row) => row.evaluated },
    { title: html`<span class="hidden">Action</span>`, cell: (row) => (row.in_use ? '' : html`<${Change} onClick=${() => publish(row.model)}>Publish <span class="hidden">${row.model}</span><//>`) },
  ]} />`;
}

function Retrain({ project }) {
  const [problem, setProblem] = useState(null);
  const start = () => call(`projects/${encodeURIComponent(project)}/retrain`, { method: 'POST', body: {} }).then(
    (answer) => go('operation', { id: answer.id }), setProblem);
  return html`<${Trouble} problem=${problem} />
    ${problem && problem.operation && html`<p><a href=${link('operation', { id: problem.operation.split('/').pop() })}>The operation that is running</a></p>`}
    <div class="row"><${Change} kind="main" onClick=${start}>Retrain<//><p class="quiet">Trains on the labels and the reviewed documents, and goes live only when it is not worse.</p></div>`;
}

function Compared({ project, models, first, second }) {
  const inUse = models.find((each) => each.in_use);
  const one = first || (inUse || models[0]).model;
  const others = models.filter((each) => each.model !== one);
  const other = second || (inUse && inUse.model !== one ? inUse.model : others.length > 0 ? others[0].model : '');
  const choose = (changes) => go('models', { project, first: one, second: other, ...changes });
  const select = (id, value, change) => html`<select id=${id} onChange=${(event) => choose({ [change]: event.target.value })}>
    ${models.map((each) => html`<option value=${each.model} selected=${each.model === value}>${each.model}</option>`)}</select>`;
  const figures = useLoad(() => Promise.all([one, other].map((label) => (label ? figuresOf(project, label) : null))), [project, one, other]);
  return html`<section><h2>Class by class</h2>
    <div class="row"><label for="first">Model</label>${select('first', one, 'first')}
      ${other && html`<label for="second">beside</label>${select('second', other, 'second')}`}</div>
    <${Loaded} from=${figures}>${([mine, theirs]) => html`
      <p class="quiet">${mine.source}${theirs && theirs.source !== mine.source ? ` The other: ${theirs.source}` : ''}</p>
      <${PerClass} mine=${mine} theirs=${theirs} one=${one} other=${other} />
      ${mine.trial
        ? html`<${Trial} trial=${mine.trial} />`
        : html`<p class="quiet">Confusion, calibration and the acceptance curve come with a trial on golden documents: a retraining makes one when the labels hold such documents.</p>`}`}<//></section>`;
}

// Of the trial on golden documents; else the service's own.
async function figuresOf(project, label) {
  const at = `projects/${encodeURIComponent(project)}`;
  try {
    const trial = await call(`${at}/models/${encodeURIComponent(label)}/trial`);
    const byClass = dictionary(trial.per_class.map((each) => [each.name, each]));
    return { trial, byClass, source: `On ${plural(trial.documents, 'golden document')}, which the models were not trained on.` };
  } catch (problem) {
    if (!(problem instanceof Problem) || problem.status !== 404) throw problem;
  }
  try {
    const evaluation = await call(`${at}/evaluation?model=${encodeURIComponent(label)}`);
    const counted = ([name, each]) => [name, { ...each, documents: each.true_positives + each.false_negatives }];
    const byClass = dictionary(Object.entries(evaluation.classes).map(counted));
    return { byClass, source: 'By the service’s own test documents, which differ from model to model.' };
  } catch (problem) {
    return { byClass: dictionary(), source: `No figures: ${problem.message}` };
  }
}

function PerClass({ mine, theirs, one, other }) {
  const names = [...new Set([...Object.keys(mine.byClass), ...Object.keys(theirs ? theirs.byClass : {})])].sort();
  const of = (side, name, what) => (side && side.byClass[name] ? side.byClass[name][what] : null);
  const change = (name) => {
    const [now, before] = [of(mine, name, 'f1'), of(theirs, name, 'f1')];
    return now === null || before === null ? null : now - before;
  };
  const tone = (value) => (value > 0.005 ? 'up' : value < -0.005 ? 'down' : '');
  return html`<${Table} label="Figures by class" rows=${names} rowKey=${(name) => name} columns=${[
    { title: 'Class', cell: (name) => html`<${Name} short>${name}<//>` },
    { title: 'Documents', numeric: true, wide: true, cell: (name) => number(of(mine, name, 'documents')) },
    { title: 'Precision', numeric: true, wide: true, cell: (name) => figure(of(mine, name, 'precision')) },
    { title: 'Recall', numeric: true, wide: true, cell: (name) => figure(of(mine, name, 'recall')) },
    { title: html`F1, <${Name}>${one}<//>`, numeric: true, cell: (name) => figure(of(mine, name, 'f1')) },
    ...(theirs ? [
      { title: html`F1, <${Name}>${other}<//>`, numeric: true, cell: (name) => figure(of(theirs, name, 'f1')) },
      { title: 'Difference', numeric: true, cell: (name) => html`<span class=${tone(change(name))}>${signed(change(name))}</span>` },
    ] : []),
  ]} />`;
}

function Trial({ trial }) {
  return html`<h3>What is taken for what</h3><${Confusion} trial=${trial} />
    <div class="columns">
      <figure><figcaption>Calibration: does a confidence mean what it says?</figcaption><${Calibration} tenths=${trial.calibration} />
        <details><summary>As a table</summary><${Table} label="Calibration" rows=${trial.calibration} columns=${[
          { title: 'Confidence', cell: (row) => `${row.from} to ${row.to}` },
          { title: 'Documents', numeric: true, cell: (row) => row.documents },
          { title: 'Mean', numeric: true, cell: (row) => figure(row.mean_confidence) },
          { title: 'Right', numeric: true, cell: (row) => percent(row.right / row.documents) },
        ]} /></details></figure>
      <figure><figcaption>Acceptance: how much can be taken unseen?</figcaption><${AcceptanceCurve} points=${trial.acceptance_curve} documents=${Math.max(1, trial.documents)} />
        <details><summary>As a table</summary><${Table} label="Acceptance" rows=${trial.acceptance_curve} columns=${[
          { title: 'From confidence', numeric: true, cell: (row) => row.threshold.toFixed(2) },
          { title: 'Accepted', numeric: true, cell: (row) => row.accepted },
          { title: 'Right', numeric: true, cell: (row) => row.right },
          { title: 'At least', numeric: true, cell: (row) => percent(row.at_least, 1) },
        ]} /></details></figure>
    </div>`;
}

function Confusion({ trial }) {
  const names = trial.per_class.map((each) => each.name);
  const wrong = trial.confusion.filter((each) => each.labelled !== each.answered);
  if (names.length <= IN_MATRIX) return html`<${Matrix} trial=${trial} names=${names} />`;
  return html`<${Table} label="Confused classes" rows=${wrong.slice(0, 30)} columns=${[
    { title: 'Labelled', cell: (row) => html`<${Name} short>${row.labelled ?? 'nothing'}<//>` },
    { title: 'Answered', cell: (row) => html`<${Name} short>${row.answered ?? 'nothing'}<//>` },
    { title: 'Documents', numeric: true, cell: (row) => row.documents },
  ]} />`;
}

function Matrix({ trial, names }) {
  const count = new Map(trial.confusion.map((each) => [JSON.stringify([each.labelled, each.answered]), each.documents]));
  const most = Math.max(1, ...count.values());
  const answers = [...names, null];
  const cell = (labelled, answered) => {
    const found = count.get(JSON.stringify([labelled, answered])) || 0;
    const depth = found === 0 ? 0 : Math.ceil((4 * found) / most);
    return html`<td class=${`numeric ${labelled === answered ? 'right' : 'wrong'}${depth}`}>${found || ''}</td>`;
  };
  return html`<div class="scroll" role="region" aria-label="Confusion matrix" tabindex="0"><table class="matrix">
    <caption>Rows: the label. Columns: the answer.</caption>
    <thead><tr><td></td>${answers.map((name) => html`<th scope="col"><${Name} short>${name ?? 'nothing'}<//></th>`)}</tr></thead>
    <tbody>${answers.map((labelled) => html`<tr><th scope="row"><${Name} short>${labelled ?? 'nothing'}<//></th>${answers.map((answered) => cell(labelled, answered))}</tr>`)}</tbody>
  </table></div>`;
}

function First() {
  return html`<${Empty} title="First: a project with labels">
    <ol>
      <li><code>PUT /api/projects/NAME</code> with <code>{"kind": "single_label"}</code> or <code>multi_label</code>.</li>
      <li><code>PUT /api/projects/NAME/labels</code>: which document has which classes.</li>
      <li><code>POST /api/projects/NAME/retrain</code>. Then its figures are here.</li>
    </ol><p><code>make first-run</code> does all of it with sample documents.</p><//>`;
}
