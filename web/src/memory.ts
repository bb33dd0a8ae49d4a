/** What this browser remembers of its user; a browser that forbids it forgets. */

const PREFIX = 'voltherd.';

export function remembered(name: string): string | null {
  try {
    return localStorage.getItem(PREFIX + name);
  } catch {
    return null;
  }
}

export function remember(name: string, value: string): void {
  try {
    localStorage.setItem(PREFIX + name, value);
  } catch {
    // A private window: the choice holds until it is closed.
  }
}
