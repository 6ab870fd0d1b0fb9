/** A volume as a folder of this machine: what notebooks see below `/Volumes`, and where people put files. */
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Lake } from "../lake.ts";

/** A file when folder and lake had the same. */
interface Exchanged {
  readonly etag: string;
  readonly onDisk: string;
}

export class MountedVolume {
  /** Account, container and directory in the lake. */
  readonly root: string;
  readonly folder: string;
  readonly #lake: Lake;
  readonly #exchanged = new Map<string, Exchanged>();

  /** Empties the folder, whose files would be those of another volume. */
  constructor(lake: Lake, root: string, folder: string) {
    this.#lake = lake;
    this.root = root;
    this.folder = folder;
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
  }

  /** Brings into the folder what others have changed in the lake since the last time. */
  fetch(): void {
    const there = this.#lake.below(`${this.root}/`).map((file) => file.slice(this.root.length + 1));
    for (const file of there) {
      if (this.#lake.get(this.#inLake(file))?.etag !== this.#exchanged.get(file)?.etag) this.#write(file);
    }
    for (const file of this.#exchanged.keys()) if (!there.includes(file)) this.#remove(file);
  }

  /** Files that are new, changed or gone in the folder since the last time. */
  changed(): readonly string[] {
    const there = filesIn(this.folder);
    const gone = [...this.#exchanged.keys()].filter((file) => !there.has(file));
    const written = [...there].filter(([file, onDisk]) => this.#exchanged.get(file)?.onDisk !== onDisk);
    return [...gone, ...written.map(([file]) => file)];
  }

  /** Takes these changes over into the lake. */
  publish(): void {
    const there = filesIn(this.folder);
    for (const file of this.changed()) {
      const onDisk = there.get(file);
      if (onDisk === undefined) {
        this.#lake.delete(this.#inLake(file));
        this.#exchanged.delete(file);
      } else {
        const { etag } = this.#lake.write(this.#inLake(file), readFileSync(path.join(this.folder, file)));
        this.#exchanged.set(file, { etag, onDisk });
      }
    }
  }

  /** Undoes them. */
  discard(): void {
    for (const file of this.changed()) {
      if (this.#lake.get(this.#inLake(file))) this.#write(file);
      else this.#remove(file);
    }
  }

  #inLake(file: string): string {
    return `${this.root}/${file}`;
  }

  #write(file: string): void {
    const stored = this.#lake.get(this.#inLake(file));
    if (!stored) return;
    const target = path.join(this.folder, file);
    mkdirSync(path.dirname(target), { recursive: true });
    writeFileSync(target, stored.content);
    // Which of two files was sent later decides which one counts.
    utimesSync(target, stored.modifiedAt, stored.modifiedAt);
    this.#exchanged.set(file, { etag: stored.etag, onDisk: stateOf(target) });
  }

  #remove(file: string): void {
    rmSync(path.join(this.folder, file), { force: true });
    this.#exchanged.delete(file);
  }
}

/** Tells whether a file was written again. */
function stateOf(file: string): string {
  const { ino, mtimeMs, size } = statSync(file);
  return [ino, mtimeMs, size].join(" ");
}

function filesIn(folder: string): ReadonlyMap<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(
    files.map((entry) => {
      const file = path.join(entry.parentPath, entry.name);
      return [path.relative(folder, file), stateOf(file)];
    }),
  );
}
