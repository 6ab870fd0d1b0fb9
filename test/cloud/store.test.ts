import { Store } from "./store.ts";

test("a copy holds the same things, of the same types, and shares none of them", () => {
  const store = new Store();
  const bindings = ["1"];
  const file = { content: Buffer.from("state"), modifiedAt: new Date(0), metadata: {} };
  store.table("files").set("account/container/blob", file);
  store.table("bindings").set("catalog", bindings);

  const copy = store.copy();
  bindings.push("2");
  file.content.fill("x");

  expect(copy.inventory()).toEqual(store.inventory());
  expect(copy.table("bindings").get("catalog")).toEqual(["1"]);
  const { content, modifiedAt } = copy.table<typeof file>("files").get("account/container/blob") ?? file;
  expect([Buffer.isBuffer(content), content.toString(), modifiedAt]).toEqual([true, "state", new Date(0)]);
});
