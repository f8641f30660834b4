// Review by keyboard. The next documents are loaded beforehand, and a decision is saved while the next is already shown.
import { call } from '../api.js';
import { Empty, Loaded, Name, Trouble, percent, plural } from '../parts.js';
import { html, link, useEffect, useLoad, useMemo, useRef, useState } from '../view.js';

const LISTED = 50;
// Documents loaded beforehand, once one was decided. Before that one: the view opens with few calls to storage.
const AHEAD = 3;
const BY_DIGIT = 9;
const KEYS_OFF = 'pigeonhole.review-keys-off';
const BY = 'pigeonhole.review-by';

export function Review({ query }) {
  const wanted = query.get('class') || '';
  const first = useLoad(() => list(wanted), [wanted]);
  return html`<h1 tabindex="-1">Review</h1>
    ${wanted && html`<p>Only <b><${Name}>${wanted}<//></b>. <a href=${link('review')}>Show all</a></p>`}
    <${Loaded} from=${first}>${(data) => (data.reviews.length === 0
      ? html`<${Empty} title="Nothing waits for review">
          <p>A project asks for a precision with <code>acceptance</code> (<code>PUT /api/projects/NAME</code>). From then on, results that are not sure enough wait here, and your answers become labels.</p>
          <p><button type="button" onClick=${first.reload}>Look again</button></p><//>`
      : html`<${Desk} key=${wanted} begin=${data} wanted=${wanted} reload=${first.reload} />`)}<//>`;
}

function list(wanted) {
  return call(`reviews?${new URLSearchParams({ limit: LISTED, ...(wanted && { class: wanted }) })}`);
}

// Who reviews, where nobody is signed in: what this person wrote, if anything.
function by() {
  const name = (sessionStorage.getItem(BY) || '').trim();
  return name ? { by: name } : {};
}

const addressOf = (id) => `reviews/${encodeURIComponent(id)}`;

// The queue as this person goes through it.
function useQueue(begin, wanted) {
  const [ids, setIds] = useState(() => begin.reviews.map((each) => each.id));
  const [place, setPlace] = useState(0);
  const [more, setMore] = useState(begin.more);
  const items = useRef(new Map());
  const [, redraw] = useState(0);

  const load = (id) => {
    if (id === undefined || items.current.has(id)) return;
    items.current.set(id, null);
    const keep = (item) => {
      items.current.set(id, item);
      redraw((turn) => turn + 1);
    };
    call(addressOf(id)).then((item) => keep({ item }), (problem) => keep({ problem }));
  };
  useEffect(() => {
    const furthest = place + (place === 0 ? 1 : AHEAD);
    for (let each = place; each <= furthest; each += 1) load(ids[each]);
  }, [ids, place]);
  useEffect(() => {
    if (!more || place < ids.length - AHEAD) return;
    list(wanted).then((page) => {
      const known = new Set(ids);
      const added = page.reviews.map((each) => each.id).filter((id) => !known.has(id));
      setIds([...ids, ...added]);
      setMore(Boolean(page.more) && added.length > 0);
    }, () => setMore(false));
  }, [place, more]);
  const forget = (id) => items.current.delete(id);
  return { ids, place, setPlace, current: items.current.get(ids[place]), isAtEnd: place >= ids.length, more, forget };
}

function Desk({ begin, wanted, reload }) {
  const queue = useQueue(begin, wanted);
  const [done, setDone] = useState([]);
  const [troubles, setTroubles] = useState([]);
  const [saving, setSaving] = useState(0);
  const [said, setSaid] = useState('');
  const [isKeyed, setIsKeyed] = useState(() => sessionStorage.getItem(KEYS_OFF) !== 'yes');
  const item = queue.current && queue.current.item;
  const isGone = Boolean(queue.current && queue.current.problem && [404, 409].includes(queue.current.problem.status));
  useEffect(() => {
    // Decided by another, or overwritten, since the queue was listed: not this person's any more.
    if (isGone) queue.setPlace(queue.place + 1);
  }, [isGone, queue.place]);

  useEffect(() => {
    if (saving === 0) return undefined;
    const warn = (event) => event.preventDefault();
    addEventListener('beforeunload', warn);
    return () => removeEventListener('beforeunload', warn);
  }, [saving]);

  const save = (body, words) => {
    const { id, name } = item;
    setSaving((count) => count + 1);
    const saved = call(addressOf(id), { method: 'PUT', body: { ...body, ...by() } })
      .catch((problem) => setTroubles((all) => [...all, { name, problem }]))
      .finally(() => setSaving((count) => count - 1));
    setDone((all) => [...all, { id, name, words, place: queue.place, saved }]);
    setSaid(`${words}: ${name}`);
    queue.setPlace(queue.place + 1);
  };
  const undo = async () => {
    const last = done[done.length - 1];
    if (!last) return;
    setDone((all) => all.slice(0, -1));
    await last.saved;
    try {
      await call(`${addressOf(last.id)}?${new URLSearchParams(by())}`, { method: 'DELETE' });
      setSaid(`Undone: ${last.name}`);
    } catch (problem) {
      setTroubles((all) => [...all, { name: last.name, problem }]);
    }
    queue.forget(last.id);
    queue.setPlace(last.place);
  };
  const skip = () => item && save({ skip: true }, 'Skipped');
  // One listener for all documents: between two of them no key is lost. The document that is shown sets what keys do.
  const keys = useRef({});
  keys.current = { u: undo };
  const setKeys = (isOn) => {
    sessionStorage.setItem(KEYS_OFF, isOn ? 'no' : 'yes');
    setIsKeyed(isOn);
  };
  return html`
    ${isKeyed && html`<${Keys} handlers=${keys} />`}
    <div class="row desk-head">
      <p class="quiet">${plural(done.length, 'decision')} of yours${queue.isAtEnd ? '' : `, ${queue.ids.length - queue.place}${queue.more ? '+' : ''} to go`}${saving > 0 ? ', saving…' : ''}</p>
      <label class="check">Your name <input class="by" type="text" autocomplete="name" maxlength="100" value=${sessionStorage.getItem(BY) || ''} onInput=${(event) => sessionStorage.setItem(BY, event.target.value)} /></label>
      <label class="check"><input type="checkbox" checked=${isKeyed} onChange=${(event) => setKeys(event.target.checked)} /> Keyboard shortcuts</label>
    </div>
    ${troubles.map(({ name, problem }) => html`<div class="note bad" role="alert"><strong>Not saved: <${Name}>${name}<//></strong><p><${Name}>${problem.message}<//> <a href=${link('document', { name })}>Look at it</a></p></div>`)}
    <p class="hidden" role="status" aria-live="polite">${said}</p>
    ${queue.isAtEnd
      ? html`<${Empty} title="That was all"><p>${plural(done.length, 'decision')}. They become labels at the next retraining.</p>
          <p class="row"><button type="button" onClick=${reload}>Look for more</button><button type="button" disabled=${done.length === 0} onClick=${undo}>Undo the last <kbd>u</kbd></button><a class="button" href=${link('models')}>Retrain</a></p><//>`
      : queue.current && queue.current.problem
        ? html`<${Trouble} problem=${queue.current.problem} /><p class="row"><button type="button" onClick=${() => queue.setPlace(queue.place + 1)}>Go on to the next</button></p>`
        : item
          ? html`<${Item} key=${item.id} item=${item} save=${save} skip=${skip} undo=${undo} canUndo=${done.length > 0} isKeyed=${isKeyed} keys=${keys} />`
          : html`<p class="quiet" role="status">Loading…</p>`}`;
}

function Item({ item, save, skip, undo, canUndo, isKeyed, keys }) {
  const answered = useMemo(() => new Map(item.classes.map((each) => [each.name, each.confidence])), [item]);
  const [chosen, setChosen] = useState(() => new Set((item.review && !item.review.skipped ? item.review.classes : [...answered.keys()]).filter((name) => item.choices.includes(name))));
  const [filter, setFilter] = useState('');
  const filterBox = useRef(null);
  const isMany = item.kind === 'multi_label';
  const choices = item.choices.filter((name) => name.toLowerCase().includes(filter.toLowerCase()));
  // Keys may come faster than the page is drawn: a decision is what was pressed, not what is drawn.
  const pressed = useRef(chosen);
  const toggle = (name) => {
    if (name === undefined) return;
    const now = new Set(isMany ? pressed.current : []);
    if (isMany && now.has(name)) now.delete(name);
    else now.add(name);
    pressed.current = now;
    setChosen(now);
  };
  const canSave = isMany || chosen.size === 1;
  const decide = () => {
    const classes = item.choices.filter((name) => pressed.current.has(name));
    if (isMany || classes.length === 1) save({ classes }, classes.length > 0 ? `Saved as ${classes.join(', ')}` : 'Saved as no class');
  };
  keys.current = {
    Enter: decide,
    s: skip,
    u: undo,
    '/': () => filterBox.current && filterBox.current.focus(),
    ...Object.fromEntries(choices.slice(0, BY_DIGIT).map((name, index) => [String(index + 1), () => toggle(name)])),
  };
  const clickedOf = (act) => (event) => {
    act();
    // After a click of the mouse, Enter is to save, and not to press the button again.
    if (event.detail > 0) event.currentTarget.blur();
  };
  return html`<article class="desk" aria-label="Document to review">
    <div class="paper">
      <h2><a href=${link('document', { name: item.name })}><${Name} short>${item.name}<//></a></h2>
      <p class="quiet">${item.reason === 'audit' ? 'Accepted; shown as one of a random share' : 'Not sure enough'}${item.confidence === null || item.confidence === undefined ? '' : ` · confidence ${percent(item.confidence)}`} · model <${Name}>${item.model}<//></p>
      ${item.state === 'decided' && item.review && html`<p class="note due">${item.review.skipped ? 'Skipped' : 'Decided'} already, by <${Name}>${item.review.by}<//>.</p>`}
      <pre class="text" dir="auto" tabindex="0" role="region" aria-label="Text of the document">${item.text ?? 'The text cannot be read any more: the document was overwritten or deleted.'}</pre>
      ${item.truncated && html`<p class="quiet">Only its beginning is shown.</p>`}
    </div>
    <div class="choices">
      <h2>${isMany ? 'Which classes?' : 'Which class?'}</h2>
      ${item.choices.length > BY_DIGIT && html`<p><label for="filter">Find a class <kbd>/</kbd></label>
        <input id="filter" ref=${filterBox} type="search" autocomplete="off" value=${filter} onInput=${(event) => setFilter(event.target.value)}
          onKeyDown=${(event) => {
            if (event.key === 'Enter' && filter) { toggle(choices[0]); setFilter(''); event.currentTarget.blur(); event.preventDefault(); }
            if (event.key === 'Escape') { setFilter(''); event.currentTarget.blur(); }
          }} /></p>`}
      <div role="group" aria-label="Classes"><ul>${choices.map((name, index) => html`<li key=${name}>
        <button type="button" class="choice" aria-pressed=${chosen.has(name) ? 'true' : 'false'} onClick=${clickedOf(() => toggle(name))}>
          ${isKeyed && index < BY_DIGIT && html`<kbd>${index + 1}</kbd>`}<${Name}>${name}<//>
          ${answered.has(name) && html`<span class="quiet">${percent(answered.get(name))}</span>`}</button></li>`)}</ul></div>
      <div class="row">
        <button type="button" class="main" disabled=${!canSave} onClick=${clickedOf(decide)}>${isMany && chosen.size === 0 ? 'Save as no class' : 'Save'} ${isKeyed && html`<kbd>Enter</kbd>`}</button>
        <button type="button" onClick=${clickedOf(skip)}>Skip ${isKeyed && html`<kbd>s</kbd>`}</button>
        <button type="button" disabled=${!canUndo} onClick=${clickedOf(undo)}>Undo ${isKeyed && html`<kbd>u</kbd>`}</button>
      </div>
    </div>
  </article>`;
}

// Keys act wherever the focus is, except in a field and, for Enter, on what Enter presses itself.
function Keys({ handlers }) {
  useEffect(() => {
    const press = (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.repeat) return;
      const { target } = event;
      if (target instanceof Element && target.closest('input:not([type=checkbox]), select, textarea')) return;
      if (event.key === 'Enter' && target instanceof Element && target.closest('a, button, summary')) return;
      const act = handlers.current[event.key];
      if (!act) return;
      event.preventDefault();
      act();
    };
    addEventListener('keydown', press);
    return () => removeEventListener('keydown', press);
  }, []);
  return null;
}
