/**
 * Where in the dashboard we are: the fragment says it, `#/vehicles/bus-7?cells=75`.
 *
 * Every view and every filter has an address of its own, and any folder of any server can hold the
 * page, because nothing but the fragment changes.
 */

export type Query = Record<string, string | number | readonly (string | number)[] | null>;

function parse(): { path: string[]; query: URLSearchParams } {
  const [path = '', query = ''] = location.hash.replace(/^#\/?/, '').split('?', 2);
  return {
    path: path.split('/').filter(Boolean).map(decodeURIComponent),
    query: new URLSearchParams(query),
  };
}

class Route {
  #now = $state.raw(parse());

  constructor() {
    addEventListener('hashchange', () => (this.#now = parse()));
  }

  /** The parts of the path: `['vehicles', 'bus-7']`. */
  get path(): readonly string[] {
    return this.#now.path;
  }

  get query(): URLSearchParams {
    return this.#now.query;
  }

  /** Change some of the query in place; null removes. */
  set(change: Query): void {
    history.replaceState(history.state, '', this.with(change));
    this.#now = parse();
  }

  /** The address of this page with some of the query changed. */
  with(change: Query): string {
    const query = new URLSearchParams(this.query);
    for (const [key, value] of Object.entries(change)) put(query, key, value);
    return address(this.path, query);
  }
}

function put(query: URLSearchParams, key: string, value: Query[string] | undefined): void {
  query.delete(key);
  for (const item of Array.isArray(value) ? value : [value])
    if (item !== null && item !== undefined && item !== '') query.append(key, String(item));
}

function address(path: readonly string[], query: URLSearchParams): string {
  const text = query.toString();
  return `#/${path.map(encodeURIComponent).join('/')}${text && `?${text}`}`;
}

export const route = new Route();

/** The address of a page: `href(['vehicles', id], { cells: 75 })`. */
export function href(path: readonly string[] = [], change: Query = {}): string {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(change)) put(query, key, value);
  return address(path, query);
}

export const toVehicle = (id: string, change: Query = {}): string => href(['vehicles', id], change);
export const toFinding = (id: string): string => href(['findings', id]);
