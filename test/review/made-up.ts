/** Plans as `terraform show -json` prints them, made up. */
type Json = Readonly<Record<string, unknown>>;

/** What a plan says of one resource; the same on both sides unless told otherwise. */
export function change({
  address,
  type = "databricks_job",
  deposed,
  action_reason,
  previous_address,
  ...change
}: Json): Json {
  return {
    address: address ?? `${String(type)}.it`,
    type,
    deposed,
    action_reason,
    previous_address,
    mode: "managed",
    change: {
      actions: ["no-op"],
      before: {},
      after: {},
      after_unknown: {},
      before_sensitive: {},
      after_sensitive: {},
      ...change,
    },
  };
}

export function plan(changes: readonly Json[], rest: Json = {}): Json {
  return {
    format_version: "1.2",
    terraform_version: "1.11.4",
    complete: true,
    errored: false,
    resource_changes: changes,
    ...rest,
  };
}
