import { failure } from "../../cli/failure.ts";

const systemError = (code: string, path?: string) =>
  Object.assign(new Error(`${code}: what the system calls it, open '${path ?? ""}'`), { code, path, syscall: "open" });

test.each([
  ["ENOSPC", "/home/x: the disk is full: free some space"],
  ["EROFS", "/home/x: nothing can be written there, since the file system is read-only: name another folder"],
  ["EACCES", "/home/x: you may not write there: change its permissions"],
])("%s is said with the path and the remedy", (code, sentence) => {
  expect(failure(systemError(code, "/home/x"))).toContain(sentence);
});

test("a path that is not known is not made up", () => {
  expect(failure(systemError("ENOSPC"))).toMatch(/^the disk is full: /);
});

test("every other error says what it says", () => {
  expect(failure(new Error("no orders yet"))).toBe("no orders yet");
  expect(failure(systemError("ENOENT", "/x"))).toContain("ENOENT");
});
