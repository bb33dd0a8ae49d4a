/** An answer of the cloud that a component shows: what came, or what went wrong. */

import { Problem } from '../api/client';
import { stream } from './stream.svelte';

class Answer<T> {
  value = $state.raw<T | null>(null);
  problem = $state.raw<Problem | null>(null);
  waiting = $state(true);
  #again = $state(0);

  constructor(ask: (signal: AbortSignal) => Promise<T> | null) {
    $effect(() => {
      void stream.recovered;
      void this.#again;
      const abort = new AbortController();
      const answer = ask(abort.signal);
      if (!answer) return;
      this.waiting = true;
      answer.then(
        (value) => {
          if (abort.signal.aborted) return;
          this.value = value;
          this.problem = null;
          this.waiting = false;
        },
        (error: unknown) => {
          if (abort.signal.aborted) return;
          this.problem = error instanceof Problem ? error : new Problem(0, String(error));
          this.waiting = false;
        },
      );
      return () => abort.abort();
    });
  }

  /** Ask once more; what is shown stays until the answer comes. */
  again(): void {
    this.#again += 1;
  }
}

/**
 * Ask now, again whenever something that `ask` reads changes, and after every recovery of the
 * connection.  Called while a component is set up.
 */
export const asked = <T>(ask: (signal: AbortSignal) => Promise<T> | null): Answer<T> =>
  new Answer(ask);
