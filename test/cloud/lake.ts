/** Files in the containers of storage accounts: the state that Terraform keeps, and what volumes show. */
import type { Store, Table } from "./store.ts";

export interface StoredFile {
  readonly content: Buffer;
  readonly modifiedAt: Date;
  readonly etag: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** Who alone may write it, until it is released. */
  readonly lease?: string;
}

export class Lake {
  readonly #files: Table<StoredFile>;
  #version = 0;

  constructor(store: Store) {
    this.#files = store.table<StoredFile>("files");
  }

  /** A path is account, container and the name in it. */
  get(path: string): StoredFile | undefined {
    return this.#files.get(path);
  }

  write(path: string, content: Buffer, more: Partial<StoredFile> = {}): StoredFile {
    this.#version += 1;
    const etag = `"0x${this.#version.toString(16).padStart(8, "0")}"`;
    return this.#files.set(path, { metadata: {}, ...this.get(path), ...more, content, etag, modifiedAt: new Date() });
  }

  delete(path: string): boolean {
    return this.#files.delete(path);
  }

  deleteBelow(prefix: string): void {
    this.#files.deleteBelow(prefix);
  }

  /** Paths that start so, sorted. */
  below(prefix: string): readonly string[] {
    return this.#files
      .names()
      .filter((path) => path.startsWith(prefix))
      .sort();
  }
}
