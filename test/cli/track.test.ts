import { openHome } from "../../local/home.ts";
import { NotebookKernel } from "../../local/notebook-kernel.ts";
import { temporaryFolder } from "../local/stack-on-disk.ts";
import { inProcess } from "./in-process.ts";

test("--json keeps what an order has in columns of the names that the states and the rows have", async () => {
  const order = { tracking_num: "T1", status: "NEW", history: "checked", trace: "by air" };
  const states = [{ ...order, is_current: true }];
  const query = jest.spyOn(NotebookKernel.prototype, "query");
  query.mockImplementation((sql) =>
    Promise.resolve({ columns: Object.keys(order), rows: sql.includes("orders_history") ? states : [order] }),
  );
  const { directory } = openHome(temporaryFolder());
  const { stdout } = await inProcess(["track", "T1", "--json", "--home", directory]);
  query.mockRestore();
  expect(JSON.parse(stdout)).toEqual({ ...order, history: states });
});
