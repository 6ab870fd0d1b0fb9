import { jsonLines, run } from "../../cli/commands/query.ts";
import { openHome } from "../../local/home.ts";
import { NotebookKernel } from "../../local/notebook-kernel.ts";
import { temporaryFolder } from "../local/stack-on-disk.ts";

test.each([
  { rows: [] },
  { rows: [{ tracking_num: "T1", reasons: [{ rule: "type" }], address: "the old\nmill", empty: null }] },
  { rows: [{ n: 1 }, {}, { n: 3 }] },
])("rows in parts are the JSON that they are at once: $rows", ({ rows }) => {
  expect([...jsonLines(rows)].join("")).toBe(`${JSON.stringify(rows, null, 2)}\n`);
});

describe("values that a terminal would obey, as CSV", () => {
  const isTerminal = process.stdout.isTTY;
  afterEach(() => {
    process.stdout.isTTY = isTerminal;
    jest.restoreAllMocks();
  });

  test.each([
    { to: "a terminal", isTTY: true, printed: 'raw_row\r\n"\\u{1b}]52;c;ZQ==\\u{7}\nx"\r\n' },
    { to: "a program", isTTY: false, printed: 'raw_row\r\n"\u001b]52;c;ZQ==\u0007\nx"\r\n' },
  ])("go to $to as $printed", async ({ isTTY, printed }) => {
    const answer = { columns: ["raw_row"], rows: [{ raw_row: "\u001b]52;c;ZQ==\u0007\nx" }] };
    jest.spyOn(NotebookKernel.prototype, "changeOf").mockResolvedValue(null);
    jest.spyOn(NotebookKernel.prototype, "query").mockResolvedValue(answer);
    jest.spyOn(process.stderr, "write").mockReturnValue(true);
    const write = jest.spyOn(process.stdout, "write").mockReturnValue(true);
    process.stdout.isTTY = isTTY;
    const home = openHome(temporaryFolder());
    await run(["SELECT * FROM operations.quarantined_orders_table", "--csv", "--home", home.directory]);
    expect(write.mock.calls.map(([text]) => text).join("")).toBe(printed);
  });
});
