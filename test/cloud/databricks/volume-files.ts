/** Files of volumes, through the workspace: what clients use who have no way to the lake itself. */
import type { Principal } from "../account.ts";
import { type Call, Refusal, reply, type Route } from "../http.ts";
import type { Lake } from "../lake.ts";
import type { UnityCatalog } from "./catalog.ts";
import { notFound, type Workspace, type Workspaces } from "./workspace.ts";

export function volumeFileRoutes(workspaces: Workspaces, catalog: UnityCatalog, lake: Lake): readonly Route[] {
  const files = "/api/2.0/fs/files{path*}";
  const folders = "/api/2.0/fs/directories{path*}";
  const pathOf = ({ params }: Call) => (params.path ?? "").replace(/\/+$/, "");
  const open = (workspace: Workspace, call: Call, caller: Principal, privilege: "READ_VOLUME" | "WRITE_VOLUME") => {
    const { volume, file } = catalog.volumeAt(workspace, pathOf(call));
    catalog.need(workspace, caller, privilege, "volume", volume.fullName);
    return file;
  };
  const existing = (file: string, call: Call) => {
    const found = lake.get(file);
    if (!found) throw notFound(`File ${pathOf(call)}`);
    return found;
  };
  const headers = (file: string) => {
    const found = lake.get(file);
    return {
      "content-type": "application/octet-stream",
      "last-modified": found?.modifiedAt.toUTCString() ?? "",
      "content-length": String(found?.content.length ?? 0),
    };
  };
  return workspaces.routes({
    [`PUT ${files}`]: (workspace, call, caller) => {
      const file = open(workspace, call, caller, "WRITE_VOLUME");
      if (lake.get(file) && call.query.get("overwrite") === "false") {
        throw new Refusal(409, "ALREADY_EXISTS", `The file ${pathOf(call)} exists already`);
      }
      lake.write(file, call.content);
      return reply(204);
    },
    [`GET ${files}`]: (workspace, call, caller) => {
      const file = open(workspace, call, caller, "READ_VOLUME");
      return reply(200, existing(file, call).content, headers(file));
    },
    [`HEAD ${files}`]: (workspace, call, caller) => {
      const file = open(workspace, call, caller, "READ_VOLUME");
      existing(file, call);
      return reply(200, undefined, headers(file));
    },
    [`DELETE ${files}`]: (workspace, call, caller) => {
      const file = open(workspace, call, caller, "WRITE_VOLUME");
      existing(file, call);
      lake.delete(file);
      return reply(204);
    },
    [`GET ${folders}`]: (workspace, call, caller) => {
      const folder = `${open(workspace, call, caller, "READ_VOLUME")}/`;
      const contents = lake.below(folder).map((file) => ({
        path: `${pathOf(call)}/${file.slice(folder.length)}`,
        name: file.split("/").at(-1),
        is_directory: false,
        file_size: lake.get(file)?.content.length,
      }));
      return reply(200, { contents });
    },
    [`PUT ${folders}`]: (workspace, call, caller) => {
      open(workspace, call, caller, "WRITE_VOLUME");
      return reply(204);
    },
  });
}
