/** Everything that the cloud remembers, in tables, so that one look tells what is left. */

/** Things of one kind by their names. */
export class Table<Thing> {
  readonly #things = new Map<string, Thing>();
  readonly #isCaseless: boolean;

  constructor(isCaseless: boolean) {
    this.#isCaseless = isCaseless;
  }

  #keyOf(name: string): string {
    return this.#isCaseless ? name.toLowerCase() : name;
  }

  get(name: string): Thing | undefined {
    return this.#things.get(this.#keyOf(name));
  }

  set(name: string, thing: Thing): Thing {
    this.#things.set(this.#keyOf(name), thing);
    return thing;
  }

  delete(name: string): boolean {
    return this.#things.delete(this.#keyOf(name));
  }

  has(name: string): boolean {
    return this.#things.has(this.#keyOf(name));
  }

  values(): readonly Thing[] {
    return [...this.#things.values()];
  }

  names(): readonly string[] {
    return [...this.#things.keys()];
  }

  copy(): Table<Thing> {
    const copy = new Table<Thing>(this.#isCaseless);
    for (const [name, thing] of this.#things) copy.#things.set(name, copyOf(thing) as Thing);
    return copy;
  }

  /** Deletes what has one of the names that start so. */
  deleteBelow(prefix: string): void {
    const start = this.#keyOf(prefix);
    for (const name of this.#things.keys()) if (name.startsWith(start)) this.#things.delete(name);
  }
}

/** A copy that shares nothing; `structuredClone` would make a Buffer something else. */
function copyOf(thing: unknown): unknown {
  if (Buffer.isBuffer(thing)) return Buffer.from(thing);
  if (Array.isArray(thing)) return thing.map(copyOf);
  if (thing === null || typeof thing !== "object" || Object.getPrototypeOf(thing) !== Object.prototype) {
    return structuredClone(thing);
  }
  return Object.fromEntries(Object.entries(thing).map(([name, value]) => [name, copyOf(value)]));
}

export class Store {
  readonly #tables = new Map<string, Table<unknown>>();
  readonly #numbers = new Map<string, number>();

  /** The table of a name, made when it is first asked for. Azure's names have no case; others' do. */
  table<Thing>(name: string, { isCaseless = false } = {}): Table<Thing> {
    const table = this.#tables.get(name) ?? new Table<unknown>(isCaseless);
    this.#tables.set(name, table);
    return table as Table<Thing>;
  }

  /** The next number of a thing of some kind; numbers are never used twice. */
  nextNumber(kind: string): number {
    const next = (this.#numbers.get(kind) ?? 100) + 1;
    this.#numbers.set(kind, next);
    return next;
  }

  /** Another store with the same things in it. */
  copy(): Store {
    const copy = new Store();
    for (const [name, table] of this.#tables) copy.#tables.set(name, table.copy());
    for (const [kind, number] of this.#numbers) copy.#numbers.set(kind, number);
    return copy;
  }

  /** Forgets the tables whose names start so. */
  dropTables(prefix: string): void {
    for (const name of this.#tables.keys()) if (name.startsWith(prefix)) this.#tables.delete(name);
  }

  /** One line for each thing that there is: its table and its name. */
  inventory(): readonly string[] {
    return [...this.#tables].flatMap(([table, things]) => things.names().map((name) => `${table}: ${name}`)).sort();
  }
}
