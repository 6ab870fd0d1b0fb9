/** IPv4 addresses and ranges, and which of them belong to the internet. */

/** A range of addresses, as numbers. */
interface Range {
  readonly first: number;
  readonly last: number;
}

/** Addresses for networks of one's own, RFC 1918 and, for carriers, RFC 6598. */
const PRIVATE = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"].map(rangeOf);
/**
 * All other addresses that no client on the internet has: this network, loopback, link-local, documentation, benchmarks,
 * relays, multicast and reserved ones. https://www.iana.org/assignments/iana-ipv4-special-registry
 */
const SPECIAL = [
  "0.0.0.0/8",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "192.0.0.0/24",
  "192.0.2.0/24",
  "192.88.99.0/24",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
  "224.0.0.0/4",
  "240.0.0.0/4",
].map(rangeOf);

/** Whether every address of a range, or the one address, can be a client's on the internet. */
export function isPublic(range: string): boolean {
  const given = rangeOf(range);
  return ![...PRIVATE, ...SPECIAL].some(({ first, last }) => first <= given.last && given.first <= last);
}

/** Whether every address of a range is for networks of one's own. */
export function isPrivate(range: string): boolean {
  const given = rangeOf(range);
  return PRIVATE.some(({ first, last }) => first <= given.first && given.last <= last);
}

/** Whether a range begins where its size says: 10.0.0.0/8 does, 10.0.0.1/8 is a slip, or another range. */
export function isAligned(range: string): boolean {
  return rangeOf(range).first === numberOf(range);
}

/** How many bits all addresses of a range share: 32 of a single address. */
export function prefixLength(range: string): number {
  const [, length = "32"] = range.split("/");
  return Number(length);
}

function rangeOf(range: string): Range {
  const size = 2 ** (32 - prefixLength(range));
  const first = Math.floor(numberOf(range) / size) * size;
  return { first, last: first + size - 1 };
}

function numberOf(range: string): number {
  const [address = ""] = range.split("/");
  return address.split(".").reduce((number, part) => number * 256 + Number(part), 0);
}
