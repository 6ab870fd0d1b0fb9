/** Folders, notebooks and files of a workspace. */
import { z } from "zod";
import { bodyOf, type Call, Refusal, reply, type Route, without } from "../http.ts";
import { invalid, notFound, type Workspace, type Workspaces } from "./workspace.ts";

export interface WorkspaceObject {
  readonly object_type: "DIRECTORY" | "NOTEBOOK" | "FILE" | "DASHBOARD" | "QUERY" | "ALERT";
  readonly path: string;
  readonly object_id: number;
  readonly language?: string;
  readonly content?: Buffer;
}

/** Folders that every workspace has. */
const BUILT_IN = ["/", "/Users", "/Shared", "/Repos"];

/** The objects of a workspace, by their paths. */
export class WorkspaceFiles {
  readonly #workspace: Workspace;

  constructor(workspace: Workspace) {
    this.#workspace = workspace;
  }

  /** The same folder goes by two names. */
  static normal(path: string): string {
    const within = path.replace(/^\/Workspace(?=\/|$)/, "").replace(/(?<=.)\/+$/, "");
    if (!within.startsWith("/")) throw invalid(`Path (${path}) must be absolute`);
    return within;
  }

  get(path: string): WorkspaceObject | undefined {
    const normal = WorkspaceFiles.normal(path);
    if (BUILT_IN.includes(normal)) return { object_type: "DIRECTORY", path: normal, object_id: 1 };
    return this.#objects.get(normal);
  }

  withId(id: number): WorkspaceObject | undefined {
    return this.#objects.values().find(({ object_id }) => object_id === id);
  }

  /** @throws Refusal where a folder for it is missing */
  needFolder(path: string): void {
    if (this.get(path)?.object_type !== "DIRECTORY") {
      throw new Refusal(404, "RESOURCE_DOES_NOT_EXIST", `The parent folder (${path}) does not exist.`);
    }
  }

  put(path: string, object: Omit<WorkspaceObject, "path" | "object_id">): WorkspaceObject {
    const normal = WorkspaceFiles.normal(path);
    const before = this.#objects.get(normal);
    this.needFolder(parentOf(normal));
    if (before && before.object_type !== object.object_type) {
      throw invalid(`${path} is a ${before.object_type} already`);
    }
    const object_id = before?.object_id ?? this.#workspace.nextNumber("object");
    return this.#objects.set(normal, { ...object, path: normal, object_id });
  }

  makeFolders(path: string): void {
    const normal = WorkspaceFiles.normal(path);
    const there = this.get(normal);
    if (there) {
      if (there.object_type !== "DIRECTORY") throw invalid(`${path} is a ${there.object_type} already`);
      return;
    }
    this.makeFolders(parentOf(normal));
    this.put(normal, { object_type: "DIRECTORY" });
  }

  delete(path: string, isRecursive: boolean): void {
    const normal = WorkspaceFiles.normal(path);
    const object = this.get(normal);
    if (!object) throw notFound(`Path (${path})`);
    if (BUILT_IN.includes(normal)) throw invalid(`${path} cannot be deleted`);
    const inside = this.below(normal);
    if (inside.length > 0 && !isRecursive) {
      throw new Refusal(400, "DIRECTORY_NOT_EMPTY", `Folder (${path}) is not empty`);
    }
    for (const each of [...inside, object]) this.#objects.delete(each.path);
  }

  below(path: string): readonly WorkspaceObject[] {
    const normal = WorkspaceFiles.normal(path);
    const start = normal === "/" ? "/" : `${normal}/`;
    return this.#objects.values().filter((object) => object.path.startsWith(start));
  }

  get #objects() {
    return this.#workspace.table<WorkspaceObject>("objects");
  }
}

export const parentOf = (path: string) => path.slice(0, path.lastIndexOf("/")) || "/";

const importBody = z.strictObject({
  path: z.string(),
  content: z.base64(),
  format: z.enum(["SOURCE", "RAW", "AUTO"]).optional(),
  language: z.enum(["PYTHON", "SQL", "SCALA", "R"]).optional(),
  overwrite: z.union([z.boolean(), z.enum(["true", "false"])]).optional(),
});

export function fileRoutes(workspaces: Workspaces): readonly Route[] {
  const api = "/api/2.0/workspace";
  const files = (workspace: Workspace) => new WorkspaceFiles(workspace);
  const shown = (object: WorkspaceObject, asked = object.path) => ({ ...without(object, "content"), path: asked });
  return workspaces.routes({
    [`POST ${api}/mkdirs`]: (workspace, call) => {
      files(workspace).makeFolders(bodyOf(call, z.strictObject({ path: z.string() })).path);
      return reply(200, {});
    },
    [`GET ${api}/get-status`]: (workspace, { query }) => {
      const path = query.get("path") ?? "";
      const object = files(workspace).get(path);
      if (!object) throw new Refusal(404, "RESOURCE_DOES_NOT_EXIST", `Path (${path}) doesn't exist.`);
      return reply(200, shown(object, path));
    },
    [`GET ${api}/list`]: (workspace, { query }) => {
      const path = query.get("path") ?? "/";
      if (!files(workspace).get(path)) {
        throw new Refusal(404, "RESOURCE_DOES_NOT_EXIST", `Path (${path}) doesn't exist.`);
      }
      const depth = WorkspaceFiles.normal(path).replace(/\/$/, "").split("/").length + 1;
      const inside = files(workspace)
        .below(path)
        .filter((each) => each.path.split("/").length === depth);
      return reply(200, { objects: inside.map((each) => shown(each)) });
    },
    [`GET ${api}/export`]: (workspace, { query }) => {
      const object = files(workspace).get(query.get("path") ?? "");
      if (!object?.content) throw notFound(`Path (${String(query.get("path"))})`);
      return reply(200, { content: object.content.toString("base64"), file_type: "py" });
    },
    [`POST ${api}/delete`]: (workspace, call) => {
      const body = bodyOf(call, z.strictObject({ path: z.string(), recursive: z.boolean().optional() }));
      files(workspace).delete(body.path, body.recursive === true);
      return reply(200, {});
    },
    [`POST ${api}/import`]: (workspace, call) => reply(200, { object_id: imported(files(workspace), call).object_id }),
  });
}

function imported(files: WorkspaceFiles, call: Call): WorkspaceObject {
  const { path, content, format, language, overwrite } = bodyOf(call, importBody);
  const bytes = Buffer.from(content, "base64");
  if (files.get(path) && String(overwrite) !== "true") {
    throw new Refusal(400, "RESOURCE_ALREADY_EXISTS", `Path (${path}) already exists.`);
  }
  const isNotebook = format === "SOURCE" || format === undefined;
  if (!isNotebook) return files.put(path, { object_type: "FILE", content: bytes });
  if (language === undefined) throw invalid("a notebook in source format needs its language");
  if (language === "PYTHON" && !bytes.toString().startsWith("# Databricks notebook source")) {
    throw invalid(`${path} does not start as the source of a Python notebook does`);
  }
  return files.put(path, { object_type: "NOTEBOOK", language, content: bytes });
}
