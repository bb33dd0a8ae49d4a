/** Light, dark, or as the system says; the choice is remembered here, in this browser. */

import { remembered, remember } from './memory';

export const THEMES = ['auto', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

class Choice {
  theme = $state<Theme>((remembered('theme') as Theme | null) ?? 'auto');

  choose(theme: Theme): void {
    this.theme = theme;
    remember('theme', theme);
    this.apply();
  }

  apply(): void {
    document.documentElement.style.colorScheme =
      this.theme === 'auto' ? 'light dark' : this.theme;
  }
}

export const choice = new Choice();
choice.apply();
