/** Dynamic value references, such as `{{job.run_id}}`, in the parameters of a job and its tasks. */

/**
 * Replaces every reference in `text`.
 *
 * @throws Error where a reference has no value on this machine
 */
export function resolveReferences(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(/\{\{\s*([^{}]*?)\s*\}\}/g, (reference, name: string) => {
    const value = values[name];
    if (value === undefined) {
      throw new Error(
        `the parameter value ${reference} is not known on this machine; known: ${Object.keys(values).join(", ")}`,
      );
    }
    return value;
  });
}
