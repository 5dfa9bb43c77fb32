import type { GoProgram } from './go-programs.js'

/** What secrets are kept with, and looked for with. */
export const securityPrograms = {
  gitleaks: { name: 'gitleaks', goPackage: 'github.com/zricethezav/gitleaks/v8', version: 'v8.30.1' },
  sops: { name: 'sops', goPackage: 'github.com/getsops/sops/v3/cmd/sops', version: 'v3.13.2' },
  ageKeygen: { name: 'age-keygen', goPackage: 'filippo.io/age/cmd/age-keygen', version: 'v1.2.1' },
} as const satisfies Record<string, GoProgram>
