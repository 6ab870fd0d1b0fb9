/** The certificate that the cloud shows to clients, which trust it because they are told to. */
import { generate } from "selfsigned";

/** Workspaces are spread over domains with a number of their own, which one wildcard does not match. */
const WORKSPACE_DOMAINS = 20;

const NAMES = [
  "login.microsoftonline.com",
  "management.azure.com",
  "*.blob.core.windows.net",
  "*.dfs.core.windows.net",
  ...Array.from({ length: WORKSPACE_DOMAINS }, (_, number) => `*.${number}.azuredatabricks.net`),
];

export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** Makes a certificate for every name of the cloud. It signs itself, so trusting it trusts nothing else. */
export async function makeCertificate(): Promise<Certificate> {
  const DNS_NAME = 2;
  const made = await generate([{ name: "commonName", value: "stand-in for the cloud" }], {
    keyType: "ec",
    algorithm: "sha256",
    extensions: [
      { name: "basicConstraints", cA: true, critical: true },
      { name: "subjectAltName", altNames: NAMES.map((value) => ({ type: DNS_NAME, value })) },
    ],
  });
  return { cert: made.cert, key: made.private };
}
