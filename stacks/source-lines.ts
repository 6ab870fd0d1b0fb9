/** Which line of these stacks makes each resource, for a review that names it. */
import path from "node:path";
import { Node } from "constructs";
import { TerraformResource, type TerraformStack } from "cdktf";

/** Variable of the process that has a synthesis keep the lines: to know them takes time that most have no use for. */
export const SOURCE_LINES_VARIABLE = "ORDER_TRACKING_SOURCE_LINES";

/** File of a stack's folder with the line of each resource, by address. */
export const SOURCE_LINES_FILE = "source-lines.json";

/** What an element of CDKTF notes on its node, to say where it was made. */
const NOTE = "stacktrace";

const root = path.dirname(__dirname);

/** Knows the lines of the stacks that are built while {@link SourceLines.keepWhile} runs. */
export class SourceLines {
  readonly #traces = new Map<Node, string>();

  /**
   * CDKTF 0.21 asks each node for a note of where it was made, without the option that constructs 10 wants to see for
   * that. So the trace is kept here when the note is taken.
   */
  keepWhile<T>(build: () => T): T {
    const traces = this.#traces;
    // eslint-disable-next-line @typescript-eslint/unbound-method -- it is only ever called with a node
    const { addMetadata } = Node.prototype;
    Node.prototype.addMetadata = function (this: Node, type, data, options) {
      if (type === NOTE) traces.set(this, new Error().stack ?? "");
      addMetadata.call(this, type, data, options);
    };
    try {
      return build();
    } finally {
      Node.prototype.addMetadata = addMetadata;
    }
  }

  /** The line that makes each resource of a stack, such as `stacks/constructs/order-lake.ts:57`, by its address. */
  of(stack: TerraformStack): Readonly<Record<string, string>> {
    const resources = stack.node.findAll().filter((each) => TerraformResource.isTerraformResource(each));
    return Object.fromEntries(
      resources.flatMap((each) => {
        const line = lineIn(this.#traces.get(each.node) ?? "", classesOf(each));
        return line === undefined ? [] : [[`${each.terraformResourceType}.${each.friendlyUniqueId}`, line]];
      }),
    );
  }
}

/** The names of a thing's class and of those that it extends. */
function classesOf(thing: object): readonly string[] {
  const above = Object.getPrototypeOf(thing) as object | null;
  return above === null ? [] : [above.constructor.name, ...classesOf(above)];
}

/** The innermost line of a trace that is in this folder, and neither in this file nor in the resource's own classes. */
function lineIn(trace: string, ownClasses: readonly string[]): string | undefined {
  for (const frame of trace.split("\n")) {
    const [, file, line] = /^(?:.*\(|\s*at )(?:file:\/\/)?(.+):(\d+):\d+\)?$/.exec(frame) ?? [];
    const isOwn = file === __filename || ownClasses.some((name) => frame.includes(`at new ${name} `));
    if (file?.startsWith(__dirname + path.sep) && !isOwn) {
      return `${path.relative(root, file).replaceAll(path.sep, "/")}:${line}`;
    }
  }
  return undefined;
}
