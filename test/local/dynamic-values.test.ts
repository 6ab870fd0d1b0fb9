import { resolveReferences } from "../../local/dynamic-values.ts";

const values = { "job.run_id": "42", "job.name": "a job" };

test("references in a parameter's value are replaced, with or without spaces", () => {
  expect(resolveReferences("{{job.run_id}} of {{ job.name }}", values)).toBe("42 of a job");
});

test("text without references stays as it is", () => {
  expect(resolveReferences("/Volumes/a/{b}", values)).toBe("/Volumes/a/{b}");
});

test("fails for a reference that this machine does not know", () => {
  expect(() => resolveReferences("{{job.repair_count}}", values)).toThrow(
    "the parameter value {{job.repair_count}} is not known on this machine; known: job.run_id, job.name",
  );
});
