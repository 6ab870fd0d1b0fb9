import { TerraformResource, type TerraformMetaArguments } from "cdktf";
import type { Construct } from "constructs";

/**
 * An expression that no plan knows, and that is false as soon as it is applied. A condition on it lets every plan pass,
 * also those after an apply that it refused.
 */
export const FALSE_WHEN_APPLIED = 'timestamp() == ""';

/** Properties for {@link TerraformData}. */
export interface TerraformDataConfig extends TerraformMetaArguments {
  /** What its output is, once it is applied. */
  readonly input?: Readonly<Record<string, unknown>>;
  /** It is created anew whenever one of these changes. */
  readonly triggersReplace?: Readonly<Record<string, unknown>>;
}

/**
 * Terraform's own resource `terraform_data`.
 *
 * In place of CDKTF's `DataResource`, which starts `terraform version` for each of its kind whenever the app is
 * synthesized: a third of the time, and a failure where there is no Terraform, as on a laptop that only runs the job.
 */
export class TerraformData extends TerraformResource {
  readonly #attributes: Readonly<Record<string, unknown>>;

  constructor(scope: Construct, id: string, { input, triggersReplace, ...meta }: TerraformDataConfig) {
    super(scope, id, { ...meta, terraformResourceType: "terraform_data" });
    this.#attributes = { input, triggers_replace: triggersReplace };
  }

  protected override synthesizeAttributes(): Record<string, unknown> {
    return { ...this.#attributes };
  }
}
