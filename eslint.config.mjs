import eslint from "@eslint/js";
import tseslint from "typescript-eslint";

/** Loading a provider's index costs 0.4-2 s and up to 400 MB; one resource costs milliseconds. */
const deepProviderImports = {
  patterns: [
    {
      regex: "^@cdktf/provider-[^/]+(?!/lib/[^/]+/index\\.js$)(/.*)?$",
      message: "Import the single resource: @cdktf/provider-<name>/lib/<resource>/index.js",
    },
  ],
};

export default tseslint.config(
  { ignores: ["node_modules", "cdktf.out", ".venv", ".venv-security", ".venv-bench", ".local", "coverage"] },
  eslint.configs.recommended,
  {
    files: ["**/*.ts"],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      "no-restricted-imports": ["error", deepProviderImports],
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      // A construct is created for its effect on the scope that it is given.
      "no-new": "off",
    },
  },
  {
    files: ["**/*.mjs"],
    ignores: ["page/browser/**"],
    languageOptions: { globals: { process: "readonly", console: "readonly", URL: "readonly" } },
  },
  {
    files: ["page/browser/*.mjs"],
    languageOptions: {
      globals: { document: "readonly", fetch: "readonly", EventSource: "readonly", HTMLDetailsElement: "readonly" },
    },
  },
);
