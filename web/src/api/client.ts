/** Requests to the cloud: JSON in, JSON out, and an RFC 9457 problem as an error for people. */

import type { Query } from '../route.svelte';

export const API = 'api/v1';

/** What the cloud says when it cannot do as asked; `status` 0: it did not answer at all. */
export class Problem extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

type Listener = (answered: boolean, status: number) => void;
const listeners = new Set<Listener>();

/** Be told of every request whether the cloud answered, and how. */
export const onAnswer = (listener: Listener): unknown => listeners.add(listener);

const tell = (answered: boolean, status: number): void =>
  listeners.forEach((listener) => listener(answered, status));

export function url(path: string, query: Query = {}): string {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(query))
    for (const item of Array.isArray(value) ? value : [value])
      if (item !== null && item !== '') search.append(key, String(item));
  const text = search.toString();
  return `${API}/${path}${text && `?${text}`}`;
}

/** Ask, and translate silence and refusal. */
export async function request(address: string, init: RequestInit = {}): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(address, init);
  } catch (error) {
    if (init.signal?.aborted) throw error;
    tell(false, 0);
    throw new Problem(0, 'The cloud does not answer.');
  }
  tell(true, response.status);
  if (response.ok) return response;
  const problem = await response.json().catch(() => ({}));
  const words = [problem.title ?? response.statusText, problem.detail].filter(Boolean);
  throw new Problem(response.status, words.join(': '));
}

export async function get<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
  return (await request(url(path, query), signal ? { signal } : {})).json();
}

/** Every item of a list, page after page. */
export async function getAll<T>(path: string, query: Query = {}): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | null = null;
  do {
    const page: { items: T[]; next_cursor?: string | null } = await get(path, { ...query, cursor });
    items.push(...page.items);
    cursor = page.next_cursor ?? null;
  } while (cursor);
  return items;
}

/** Set something; the same again changes nothing. */
export async function put<T>(path: string, body: unknown): Promise<T> {
  const headers = { 'Content-Type': 'application/json' };
  const init = { method: 'PUT', headers, body: JSON.stringify(body) };
  return (await request(url(path), init)).json();
}

/** Change something, once: the key makes a repeated request the same request. */
export async function post<T>(path: string, body: unknown): Promise<T> {
  const key = [...crypto.getRandomValues(new Uint8Array(16))]
    .map((byte) => byte.toString(16).padStart(2, '0'))
    .join('');
  const headers = { 'Content-Type': 'application/json', 'Idempotency-Key': key };
  const init = { method: 'POST', headers, body: JSON.stringify(body) };
  const response = await request(url(path), init);
  return response.status === 204 ? (undefined as T) : response.json();
}
