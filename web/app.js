// The frame of the page: signing in, navigation, light or dark, and the view that the address names.
import { session, signedInName, tryKey, whenRefused } from './api.js';
import { Empty, Name, Trouble } from './parts.js';
import { dictionary, html, link, readRoute, render, useEffect, useRef, useState } from './view.js';
import { Overview } from './views/overview.js';

// The others are loaded when they are first looked at.
const VIEWS = dictionary(Object.entries({
  overview: { title: 'Overview', load: async () => Overview },
  review: { title: 'Review', load: async () => (await import('./views/review.js')).Review },
  documents: { title: 'Documents', load: async () => (await import('./views/documents.js')).Documents },
  failures: { title: 'Failures', load: async () => (await import('./views/failures.js')).Failures },
  work: { title: 'Work', load: async () => (await import('./views/work.js')).Work },
  models: { title: 'Models', load: async () => (await import('./views/models.js')).Models },
  classes: { title: 'Classes', load: async () => (await import('./views/classes.js')).Classes },
  document: { title: 'Document', below: 'documents', load: async () => (await import('./views/documents.js')).Document },
  batch: { title: 'Batch', below: 'work', load: async () => (await import('./views/work.js')).Batch },
  operation: { title: 'Operation', below: 'work', load: async () => (await import('./views/work.js')).Operation },
}));
const IN_MENU = Object.entries(VIEWS).filter(([, view]) => !view.below);
const THEME = 'pigeonhole.theme';
const THEMES = { '': 'System', light: 'Light', dark: 'Dark' };

function showTheme(theme) {
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
}
showTheme(localStorage.getItem(THEME));

function App() {
  const [route, setRoute] = useState(readRoute);
  const [isIn, setIsIn] = useState(() => Boolean(session.key));
  const [refused, setRefused] = useState(null);
  const [person, setPerson] = useState(null);
  const isFirst = useRef(true);
  useEffect(() => {
    const follow = () => setRoute(readRoute());
    addEventListener('hashchange', follow);
    whenRefused((problem) => {
      session.end();
      setRefused(problem);
      setIsIn(false);
    });
    signedInName().then(setPerson);
    return () => removeEventListener('hashchange', follow);
  }, []);
  const { view, query } = route;
  const signOut = () => {
    session.end();
    setRefused(null);
    setIsIn(false);
  };
  useEffect(() => {
    document.title = isIn ? `${(VIEWS[view] || { title: 'Not found' }).title} – Pigeonhole` : 'Sign in – Pigeonhole';
    if (isFirst.current) {
      isFirst.current = false;
      return;
    }
    scrollTo(0, 0);
    document.querySelector('#main').focus({ preventScroll: true });
  }, [view, isIn]);
  return html`<a class="skip" href="#main" onClick=${(event) => {
      // The part after # is the view's.
      event.preventDefault();
      document.querySelector('#main').focus();
    }}>Skip to the content</a>
    <header><div class="bar-top">
      <a class="brand" href="#/"><svg viewBox="0 0 32 32" width="26" height="26" aria-hidden="true"><rect class="brand-back" width="32" height="32" rx="7" /><path class="brand-line" d="M7 7h18v18H7zM7 16h18M16 7v18" /><rect class="brand-full" x="17.6" y="8.6" width="5.8" height="5.8" rx="1" /></svg>Pigeonhole</a>
      ${isIn && html`<nav aria-label="Views" class="menu">${IN_MENU.map(([name, each]) => html`<a href=${link(name)} aria-current=${name === view || (VIEWS[view] || {}).below === name ? 'page' : undefined}>${each.title}</a>`)}</nav>`}
      <div class="who">
        ${person && html`<span class="quiet">Signed in as <${Name}>${person}<//></span>`}
        <${Theme} />
        ${isIn && html`<button type="button" class="plain" onClick=${signOut}>Sign out</button>`}
      </div></div></header>
    <main id="main" tabindex="-1">${isIn ? html`<${View} key=${view} view=${view} query=${query} />` : html`<${SignIn} refused=${refused} begin=${() => setIsIn(true)} />`}</main>
    <footer class="quiet">Everything here is also in the API: see docs/http.md.</footer>`;
}

function View({ view, query }) {
  const [shown, setShown] = useState(() => (view === 'overview' ? { of: Overview } : null));
  const [problem, setProblem] = useState(null);
  useEffect(() => {
    if (!VIEWS[view]) return;
    VIEWS[view].load().then((of) => setShown({ of }), () => setProblem({ title: 'This part of the page could not be loaded', detail: 'The app may have been deployed anew. Load the page again.' }));
  }, [view]);
  if (!VIEWS[view]) return html`<h1 tabindex="-1">Not found</h1><${Empty} title="There is no such view"><p><a href="#/">Go to the overview</a></p><//>`;
  if (problem) return html`<h1>${VIEWS[view].title}</h1><${Trouble} problem=${problem} />`;
  return shown ? html`<${shown.of} query=${query} />` : html`<h1>${VIEWS[view].title}</h1><p class="quiet" role="status">Loading…</p>`;
}

function SignIn({ refused, begin }) {
  const [key, setKey] = useState('');
  const [problem, setProblem] = useState(refused);
  const [isAsking, setIsAsking] = useState(false);
  const submit = async (event) => {
    event.preventDefault();
    setIsAsking(true);
    try {
      const opens = await tryKey(key.trim());
      if (opens) {
        session.begin(key.trim(), opens === 'change');
        begin();
        return;
      }
      setProblem({ title: 'The key is not accepted', detail: 'Use a function key or the master key of this app.' });
    } catch (failed) {
      setProblem(failed);
    }
    setIsAsking(false);
  };
  return html`<section class="sign-in"><h1>Sign in</h1>
    <p>With a key of the function app. A function key reads and reviews; the master key also retrains, publishes and sends many documents again.</p>
    <${Trouble} problem=${problem} />
    <form onSubmit=${submit}>
      <label for="key">Key</label>
      <input id="key" type="password" autocomplete="off" required value=${key} onInput=${(event) => setKey(event.target.value)} />
      <button type="submit" class="main" disabled=${isAsking}>Sign in</button>
    </form>
    <p class="quiet">It is kept in this tab until you close it, and sent to this app only. <code>make up</code> prints the keys of a local run; on Azure they are under <em>App keys</em>.</p></section>`;
}

function Theme() {
  const [theme, setTheme] = useState(() => localStorage.getItem(THEME) || '');
  const choose = (event) => {
    localStorage.setItem(THEME, event.target.value);
    showTheme(event.target.value);
    setTheme(event.target.value);
  };
  return html`<label class="theme"><span class="hidden">Colours</span><select onChange=${choose}>
    ${Object.entries(THEMES).map(([value, words]) => html`<option value=${value} selected=${value === theme}>${words}</option>`)}</select></label>`;
}

render(html`<${App} />`, document.querySelector('#app'));
