import fc from "fast-check";
import { isAligned, isPrivate, isPublic, prefixLength } from "../../environments/ip-ranges.ts";

const anyAddress = fc.ipV4();
const anyLength = fc.integer({ min: 1, max: 32 });
/** The first address of the range of this size that an address is in. */
const aligned = (address: string, length: number) => {
  const bits = address.split(".").map((part) => Number(part).toString(2).padStart(8, "0"));
  const kept = bits.join("").slice(0, length).padEnd(32, "0");
  return [0, 8, 16, 24].map((start) => parseInt(kept.slice(start, start + 8), 2)).join(".");
};

it.each([
  "0.0.0.0/1",
  "128.0.0.0/1",
  "127.0.0.1",
  "169.254.10.0/24",
  "10.1.2.3",
  "100.64.0.1",
  "172.16.0.0/12",
  "224.0.0.1",
])("does not take %s for the internet's", (range) => {
  expect(isPublic(range)).toBe(false);
});

it.each(["20.1.2.3", "20.0.0.0/8", "172.15.255.255", "172.32.0.0/16", "11.0.0.0/16"])(
  "takes %s for the internet's",
  (range) => {
    expect(isPublic(range)).toBe(true);
  },
);

it("never takes a range for the internet's and for one's own", () => {
  fc.assert(
    fc.property(anyAddress, anyLength, (address, length) => {
      const range = `${aligned(address, length)}/${length}`;
      expect(isPublic(range) && isPrivate(range)).toBe(false);
    }),
  );
});

it("takes for the internet's no range with an address in it that is not", () => {
  fc.assert(
    fc.property(anyAddress, anyLength, (address, length) => {
      fc.pre(!isPublic(address));
      expect(isPublic(`${aligned(address, length)}/${length}`)).toBe(false);
    }),
  );
});

it("takes for one's own only ranges of which every address is", () => {
  expect(isPrivate("10.20.0.0/16")).toBe(true);
  expect(isPrivate("172.0.0.0/8")).toBe(false);
  fc.assert(
    fc.property(anyAddress, anyLength, (address, length) => {
      if (isPrivate(`${address}/${length}`)) expect(isPrivate(address)).toBe(true);
    }),
  );
});

it("knows where a range of a size begins", () => {
  fc.assert(
    fc.property(anyAddress, anyLength, (address, length) => {
      expect(isAligned(`${address}/${length}`)).toBe(address === aligned(address, length));
      expect(prefixLength(`${address}/${length}`)).toBe(length);
    }),
  );
  expect(isAligned("20.1.2.3")).toBe(true);
  expect(prefixLength("20.1.2.3")).toBe(32);
});
