/** What is known of the service itself: who it is, its clock, and whether it still answers. */

import { untrack } from 'svelte';
import { get, onAnswer, Problem } from '../api/client';
import type { Chain, Meta } from '../api/types';
import { ago, seconds } from '../words';
import { stream } from './stream.svelte';

const TICK_MILLISECOND = 1000;
const REMEMBERED = 150;

class Cloud {
  meta = $state.raw<Meta | null>(null);
  chain = $state.raw<Chain | null>(null);
  /** The newest states of the chain, oldest first. */
  chains = $state.raw<Chain[]>([]);
  /** Whether signing in is asked for before anything is shown. */
  locked = $state(false);
  /** The fleet's clock [unix s]; stands still while the cloud is not heard. */
  now = $state(0);
  /** Wall clock [unix ms], for how long the cloud has been silent. */
  wall = $state(Date.now());

  #second = 0;
  #at = 0;

  /** Whether what is shown may be old because the cloud is gone. */
  get stale(): boolean {
    return stream.link === 'lost';
  }

  /** Begin: who is there (again after every recovery), and listen.  Called within a component. */
  start(): void {
    $effect(() => {
      void stream.recovered;
      void this.ask();
    });
    onAnswer((answered, status) => {
      if (answered) this.locked = status === 401;
    });
    stream.on<Chain>('chain', (chain) => {
      this.#heard(chain);
    });
    setInterval(() => this.#tick(), TICK_MILLISECOND);
    // After the page's own effects, which may have named a vehicle to watch.
    $effect(() => void untrack(() => stream.open()));
  }

  /** Ask again who is there and what time it is. */
  async ask(): Promise<void> {
    try {
      this.meta = await get<Meta>('meta');
      this.#set(this.meta.time);
      this.#heard(await get<Chain>('chain'));
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
    }
  }

  /** How old something of this time is now [s]. */
  age(time: string | null | undefined): number | null {
    const second = seconds(time);
    return second === null || !this.now ? null : Math.max(0, this.now - second);
  }

  /** The same in words; while the cloud is gone nobody knows. */
  since(time: string | null | undefined): string {
    return this.stale ? 'no contact' : ago(this.age(time));
  }

  #heard(chain: Chain): void {
    this.chain = chain;
    this.chains = [...this.chains.slice(1 - REMEMBERED), chain];
    this.#set(chain.time);
  }

  #set(time: string): void {
    this.#second = seconds(time) ?? 0;
    this.#at = performance.now();
    this.now = this.#second;
  }

  #tick(): void {
    this.wall = Date.now();
    if (!this.#second || this.stale) return;
    const speed = this.meta?.speed ?? 1;
    this.now = this.#second + (speed * (performance.now() - this.#at)) / 1000;
  }
}

export const cloud = new Cloud();
