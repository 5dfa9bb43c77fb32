import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Paths of what the API server knows its callers by. */
export interface Access {
  readonly serviceAccountKey: string
  readonly serviceAccountPublicKey: string
  readonly tokens: string
  /** One for each caller of `CALLERS`. */
  readonly kubeconfig: Readonly<Record<Caller, string>>
}

/** Users of the cluster, with the groups that Kubernetes' own roles are bound to. */
const CALLERS = {
  admin: { user: 'admin', groups: ['system:masters'] },
  controllerManager: { user: 'system:kube-controller-manager', groups: [] },
  scheduler: { user: 'system:kube-scheduler', groups: [] },
  // Plays kubelets and a provisioner of volumes, which have no role in common.
  kwok: { user: 'kwok', groups: ['system:masters'] },
} as const

export type Caller = keyof typeof CALLERS

/** Makes keys, tokens and kubeconfigs in a directory, for one cluster and its short life. */
export function makeAccess(directory: string, serverUrl: string, caFile: string): Access {
  const write = (name: string, text: string): string => {
    const path = join(directory, name)
    writeFileSync(path, text, { mode: 0o600 })
    return path
  }
  const { privateKey, publicKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  })
  const callers = (Object.keys(CALLERS) as Caller[]).map((caller) => ({
    caller,
    ...CALLERS[caller],
    token: randomBytes(24).toString('hex'),
  }))
  const kubeconfigs = callers.map(({ caller, token }) => [
    caller,
    write(`${caller}.kubeconfig`, kubeconfigOf(serverUrl, caFile, token)),
  ])
  return {
    serviceAccountKey: write('service-account.key', privateKey),
    serviceAccountPublicKey: write('service-account.pub', publicKey),
    tokens: write(
      'tokens.csv',
      callers.map(({ token, user, groups }) => `${token},${user},${user},"${groups.join(',')}"\n`).join(''),
    ),
    kubeconfig: Object.fromEntries(kubeconfigs) as Record<Caller, string>,
  }
}

function kubeconfigOf(server: string, caFile: string, token: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'test', cluster: { server, 'certificate-authority': caFile } }],
    users: [{ name: 'test', user: { token } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
    'current-context': 'test',
  })
}
