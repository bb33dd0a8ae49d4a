/**
 * The one connection on which the cloud tells what changed (server-sent events).
 *
 * Read with `fetch` instead of `EventSource`, because changing the watched vehicle reopens the
 * connection and must carry on where it was: `Last-Event-ID` goes with every opening.  Silence
 * longer than the cloud's heartbeat allows counts as a lost connection, too.
 */

import { Problem, request, url } from '../api/client';

export type Link = 'connecting' | 'open' | 'lost' | 'signed out';

const SILENCE_MILLISECOND = 20_000;
const RETRY_MILLISECOND = [500, 1000, 2000, 4000];

type Handler = (data: never) => void;

class Stream {
  /** How the connection is. */
  link = $state<Link>('connecting');
  /** Wall clock when the cloud was last heard [ms]. */
  heard = $state(Date.now());
  /** How often something was missed; whoever shows something asks for it again then. */
  recovered = $state(0);

  #handlers = new Map<string, Set<Handler>>();
  #vehicle: string | null = null;
  #last = '';
  #attempt = 0;
  #opening: AbortController | null = null;
  #retry: ReturnType<typeof setTimeout> | undefined;

  /** Hear one kind of event; gives what stops it. */
  on<T>(kind: string, handler: (data: T) => void): () => void {
    const handlers = this.#handlers.get(kind) ?? new Set();
    this.#handlers.set(kind, handlers.add(handler as Handler));
    return () => void handlers.delete(handler as Handler);
  }

  /** Ask for a vehicle's live cells, too, or no longer. */
  watch(vehicle: string | null): void {
    if (vehicle === this.#vehicle) return;
    this.#vehicle = vehicle;
    if (this.#opening) void this.open();
  }

  async open(): Promise<void> {
    clearTimeout(this.#retry);
    this.#opening?.abort();
    const opening = (this.#opening = new AbortController());
    try {
      const headers: HeadersInit = { Accept: 'text/event-stream' };
      if (this.#last) headers['Last-Event-ID'] = this.#last;
      const response = await request(url('stream', { vehicle_id: this.#vehicle }), {
        headers,
        signal: opening.signal,
      });
      this.#attempt = 0;
      this.heard = Date.now();
      if (this.link === 'lost' || this.link === 'signed out') this.recovered += 1;
      this.link = 'open';
      await this.#read(response.body!, opening);
    } catch (error) {
      if (opening !== this.#opening) return;
      const status = error instanceof Problem ? error.status : 0;
      if (status === 401) {
        this.link = 'signed out';
        return;
      }
      if (status === 404 && this.#vehicle) {
        this.#vehicle = null; // nobody by that name: go on without
        return this.open();
      }
    }
    if (opening !== this.#opening) return;
    this.link = 'lost';
    const pause = RETRY_MILLISECOND[Math.min(this.#attempt++, RETRY_MILLISECOND.length - 1)];
    this.#retry = setTimeout(() => void this.open(), pause);
  }

  async #read(body: ReadableStream<Uint8Array>, opening: AbortController): Promise<void> {
    const reader = body.pipeThrough(new TextDecoderStream() as never).getReader();
    let text = '';
    for (;;) {
      const guard = setTimeout(() => opening.abort(), SILENCE_MILLISECOND);
      const { done, value } = await reader.read().finally(() => clearTimeout(guard));
      if (done || opening !== this.#opening) return;
      this.heard = Date.now();
      text = (text + value).replaceAll('\r\n', '\n');
      const blocks = text.split('\n\n');
      text = blocks.pop() ?? '';
      blocks.forEach((block) => this.#take(block));
    }
  }

  #take(block: string): void {
    let kind = 'message';
    const data: string[] = [];
    for (const line of block.split('\n')) {
      const [, field, value = ''] = /^(\w+): ?(.*)$/.exec(line) ?? [];
      if (field === 'event') kind = value;
      else if (field === 'id') this.#last = value;
      else if (field === 'data') data.push(value);
    }
    if (kind === 'reset') this.recovered += 1;
    else if (data.length) this.#tell(kind, JSON.parse(data.join('\n')));
  }

  #tell(kind: string, data: unknown): void {
    this.#handlers.get(kind)?.forEach((handler) => handler(data as never));
  }
}

export const stream = new Stream();
