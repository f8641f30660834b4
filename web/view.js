// What every view is made with: Preact, htm, the address after the #, and loading.
import { h, render, Fragment } from './vendor/preact.js';
import { useCallback, useEffect, useMemo, useRef, useState } from './vendor/preact-hooks.js';
import htm from './vendor/htm.js';

export const html = htm.bind(h);
export { render, Fragment, useCallback, useEffect, useMemo, useRef, useState };

// '#/documents?prefix=inbox/' is the view 'documents' with that query.
export function readRoute() {
  const [path, query] = location.hash.replace(/^#\/?/, '').split('?', 2);
  return { view: path || 'overview', query: new URLSearchParams(query || '') };
}

export function link(view, query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== '' && value !== null && value !== undefined);
  const asked = new URLSearchParams(given).toString();
  return `#/${view}${asked ? `?${asked}` : ''}`;
}

// An object whose members are its own alone: names come from outside, and `constructor` is one that a class may have.
export const dictionary = (entries = []) => Object.assign(Object.create(null), Object.fromEntries(entries));

export function go(view, query) {
  location.hash = link(view, query);
}

// What `load` promises, loaded again when one of `deps` changes, and every `every` milliseconds while the page is seen.
export function useLoad(load, deps, { every } = {}) {
  const [state, setState] = useState({});
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    let isWanted = true;
    load().then(
      (data) => isWanted && setState({ data }),
      (problem) => isWanted && setState((old) => ({ data: old.data, problem })),
    );
    return () => {
      isWanted = false;
    };
  }, [...deps, turn]);
  const reload = useCallback(() => setTurn((now) => now + 1), []);
  useEffect(() => {
    if (!every) return undefined;
    const timer = setInterval(() => document.hidden || reload(), every);
    return () => clearInterval(timer);
  }, [every]);
  return { ...state, reload };
}
