/** The data plane of blobs, as far as Terraform's state needs it: versions by their etags, and leases. */
import { randomUUID } from "node:crypto";
import type { Account, Principal } from "../account.ts";
import { AUDIENCES } from "../account.ts";
import { type Call, Refusal, reply, type Reply, type Route, routesOf } from "../http.ts";
import type { Lake, StoredFile } from "../lake.ts";
import type { Arm } from "./arm.ts";
import type { Roles } from "./roles.ts";

export function blobRoutes(arm: Arm, roles: Roles, account: Account, lake: Lake): readonly Route[] {
  const pathOf = ({ host, params }: Call) => `${host.split(".")[0]}/${params.container}/${params.blob}`;
  const containerOf = ({ host, params }: Call) => {
    const owner = arm.ofType("Microsoft.Storage/storageAccounts").find(({ name }) => name === host.split(".")[0]);
    const id = `${String(owner?.id)}/blobServices/default/containers/${params.container}`;
    if (!owner || !arm.get(id)) throw new Refusal(404, "ContainerNotFound", "The specified container does not exist.");
    return id;
  };
  const open = (call: Call, more: readonly string[] = []) => {
    const caller = account.holderOf(call.headers.authorization, [AUDIENCES.storage]);
    const id = containerOf(call);
    const sufficient = ["Storage Blob Data Contributor", "Storage Blob Data Owner", ...more];
    if (!roles.areInEffect(caller.objectId, sufficient, id)) {
      throw new Refusal(403, "AuthorizationPermissionMismatch", mismatch(caller));
    }
    return pathOf(call);
  };
  const read = (call: Call) => open(call, ["Storage Blob Data Reader"]);
  const existing = (path: string): StoredFile => {
    const file = lake.get(path);
    if (!file) throw new Refusal(404, "BlobNotFound", "The specified blob does not exist.");
    return file;
  };
  const blob = "/{container}/{blob*}";
  return routesOf("blob", {
    [`HEAD ${blob}`]: (call) => {
      const file = existing(read(call));
      return reply(200, undefined, { ...headersOf(file), "content-length": String(file.content.length) });
    },
    [`GET ${blob}`]: (call) => {
      const file = existing(read(call));
      return reply(200, file.content, headersOf(file));
    },
    [`PUT ${blob}`]: (call) => {
      const path = open(call);
      const operation = call.query.get("comp");
      if (operation === "lease") return lease(lake, path, existing(path), call);
      if (operation === "metadata") {
        const file = existing(path);
        refuseIfLeased(file, call);
        return reply(200, undefined, headersOf(lake.write(path, file.content, { metadata: metadataOf(call) })));
      }
      if (operation !== null) throw new Refusal(501, "NotImplemented", `nobody answers to comp=${operation}`);
      refuseIfLeased(lake.get(path), call);
      return reply(201, undefined, headersOf(lake.write(path, call.content, { metadata: metadataOf(call) })));
    },
    [`DELETE ${blob}`]: (call) => {
      const path = open(call);
      refuseIfLeased(existing(path), call);
      lake.delete(path);
      return reply(202);
    },
    "GET /{container}": (call) => {
      read({ ...call, params: { ...call.params, blob: "" } });
      const container = `${call.host.split(".")[0]}/${call.params.container}/`;
      const blobs = lake
        .below(container + (call.query.get("prefix") ?? ""))
        .map((path) => listed(path.slice(container.length), existing(path)));
      const xml = `<?xml version="1.0" encoding="utf-8"?><EnumerationResults><Blobs>${blobs.join("")}</Blobs><NextMarker/></EnumerationResults>`;
      return reply(200, xml, { "content-type": "application/xml" });
    },
  });
}

const mismatch = ({ name }: Principal) => `${name} has no role that lets it read and write these blobs (or not yet).`;

/** As in a list that is asked to tell the metadata, too. */
function listed(name: string, { lease: holder, metadata }: StoredFile): string {
  const told = Object.entries(metadata).map(([key, value]) => `<${key}>${value}</${key}>`);
  const status = holder === undefined ? "unlocked" : "locked";
  const properties = `<Properties><LeaseStatus>${status}</LeaseStatus></Properties>`;
  return `<Blob><Name>${name}</Name>${properties}<Metadata>${told.join("")}</Metadata></Blob>`;
}

const metadataOf = ({ headers }: Call) =>
  Object.fromEntries(
    Object.entries(headers)
      .filter(([name]) => name.startsWith("x-ms-meta-"))
      .map(([name, value]) => [name.slice("x-ms-meta-".length), String(value)]),
  );

function headersOf({ etag, modifiedAt, metadata, lease: holder }: StoredFile): Readonly<Record<string, string>> {
  return {
    etag,
    "last-modified": modifiedAt.toUTCString(),
    "content-type": "application/json",
    "x-ms-blob-type": "BlockBlob",
    "x-ms-lease-status": holder === undefined ? "unlocked" : "locked",
    "x-ms-lease-state": holder === undefined ? "available" : "leased",
    ...Object.fromEntries(Object.entries(metadata).map(([name, value]) => [`x-ms-meta-${name}`, value])),
  };
}

function refuseIfLeased(file: StoredFile | undefined, { headers }: Call): void {
  if (file?.lease === undefined || headers["x-ms-lease-id"] === file.lease) return;
  throw new Refusal(412, "LeaseIdMissing", "There is currently a lease on the blob and no lease ID was specified.");
}

function lease(lake: Lake, path: string, file: StoredFile, { headers }: Call): Reply {
  const action = headers["x-ms-lease-action"];
  if (action === "acquire") {
    if (file.lease !== undefined) throw new Refusal(409, "LeaseAlreadyPresent", "There is already a lease present.");
    const id = String(headers["x-ms-proposed-lease-id"] ?? randomUUID());
    return reply(201, undefined, { ...headersOf(lake.write(path, file.content, { lease: id })), "x-ms-lease-id": id });
  }
  if (action !== "release" && action !== "break") throw new Refusal(501, "NotImplemented", `lease ${String(action)}`);
  if (action === "release" && file.lease !== headers["x-ms-lease-id"]) {
    throw new Refusal(409, "LeaseIdMismatchWithLeaseOperation", "The lease ID specified did not match the lease ID.");
  }
  lake.delete(path);
  return reply(200, undefined, headersOf(lake.write(path, file.content, { metadata: file.metadata })));
}
