// The app's API. The key is kept for this tab's session only, and goes nowhere but into a header.
const KEY = 'pigeonhole.key';
const MAY_CHANGE = 'pigeonhole.may-change';

export const session = {
  get key() {
    return sessionStorage.getItem(KEY);
  },
  // Whether the key opens what changes something: the host's master key does, a function key does not.
  get mayChange() {
    return sessionStorage.getItem(MAY_CHANGE) === 'yes';
  },
  begin(key, mayChange) {
    sessionStorage.setItem(KEY, key);
    sessionStorage.setItem(MAY_CHANGE, mayChange ? 'yes' : 'no');
  },
  end() {
    sessionStorage.removeItem(KEY);
    sessionStorage.removeItem(MAY_CHANGE);
  },
};

export class Problem extends Error {
  constructor(members) {
    super(members.detail || members.title);
    Object.assign(this, members);
  }
}

// Called when the key opens nothing any more.
let onRefused = () => {};
export function whenRefused(handle) {
  onRefused = handle;
}

export async function call(path, { method = 'GET', body } = {}) {
  const response = await send(path, { method, body, key: session.key });
  if (response.ok) return response.status === 204 ? null : response.json();
  const problem = await problemOf(response, method);
  if (response.status === 401 && method === 'GET') onRefused(problem);
  throw problem;
}

// What a key opens: 'change', 'read', or null for nothing. A master key finds no operation of that name; the host stops
// any other key before the app sees it.
export async function tryKey(key) {
  const asked = await send('operations/-/cancel', { method: 'POST', key });
  if (asked.status !== 401 && asked.status !== 403) return 'change';
  const read = await send('documents?limit=1', { key });
  if (read.status === 401 || read.status === 403) return null;
  return 'read';
}

export async function signedInName() {
  try {
    const response = await fetch('/api/ui/signed-in');
    return response.ok ? (await response.json()).name : null;
  } catch {
    return null;
  }
}

async function send(path, { method = 'GET', body, key }) {
  const headers = { 'x-functions-key': key || '' };
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  try {
    return await fetch(`/api/${path}`, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      cache: 'no-store',
      credentials: 'same-origin',
    });
  } catch {
    throw new Problem({
      status: 0,
      title: 'The app does not answer',
      detail: 'The connection failed. Is the app running, and are you online?',
    });
  }
}

async function problemOf(response, method) {
  if (response.status === 401 || response.status === 403) {
    return new Problem(
      method === 'GET'
        ? { status: 401, title: 'The key is not accepted', detail: 'It was wrong, or it has been renewed.' }
        : {
            status: 401,
            title: 'This key may only read',
            detail: "What changes something takes the host's master key: sign out, and in again with that one.",
          },
    );
  }
  try {
    return new Problem({ status: response.status, ...(await response.json()) });
  } catch {
    return new Problem({ status: response.status, title: `The app answered ${response.status}`, detail: '' });
  }
}
