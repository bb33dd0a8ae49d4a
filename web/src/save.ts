/** Files for the user, made in the browser. */

function save(name: string, type: string, text: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name.replaceAll(/[^\w.-]+/g, '_');
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

export const saveJson = (name: string, value: unknown): void =>
  save(name, 'application/json', `${JSON.stringify(value, null, 2)}\n`);

/** One field of a CSV; a text that a spreadsheet would take for a formula is made plain. */
function field(value: string | number | null): string {
  if (value === null) return '';
  if (typeof value === 'number') return String(value);
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export const saveCsv = (name: string, rows: readonly (string | number | null)[][]): void =>
  save(name, 'text/csv', rows.map((row) => `${row.map(field).join(',')}\r\n`).join(''));
