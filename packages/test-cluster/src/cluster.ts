import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import {
  freePort,
  makeCertificates,
  run,
  type ServerProcess,
  serverDirectory,
} from '@fractal-lba/test-servers'
import { makeAccess } from './access.js'
import {
  startApiServer,
  startControllerManager,
  startEtcd,
  startKwok,
  startScheduler,
} from './control-plane.js'
import { type NodeShape, nodeObject } from './nodes.js'
import { type ClusterPrograms, findClusterPrograms } from './programs.js'
import { storageClassFile } from './stages.js'

const READY_LIMIT_MS = 60_000
const COMMAND_LIMIT_MS = 120_000
const POLL_MS = 100
/** kubeconform ends with 1 when something does not fit, and has said so. */
const KEEP_VERDICT = '"$@" || test $? = 1'

export type HelmVersion = 'helm3' | 'helm4'

/** A control plane of its own. */
export interface Cluster {
  /** Runs kubectl as an administrator. @returns what it wrote. @throws Error with what it wrote to stderr. */
  kubectl(...args: readonly string[]): Promise<string>
  /** The object or list that `kubectl get … -o json` prints. */
  get<Found = KubernetesObject>(...args: readonly string[]): Promise<Found>
  /** Makes objects, or changes them to this. */
  apply(...objects: readonly object[]): Promise<void>
  /** Runs a Helm as an administrator; limits of its own belong into `args`. */
  helm(version: HelmVersion, ...args: readonly string[]): Promise<string>
  /**
   * Runs commands of a document as they stand, as an administrator in a namespace: `kubectl` and `helm` are this cluster's.
   * The first that fails ends them.
   */
  shell(version: HelmVersion, namespace: string, commands: string, workingDirectory: string): Promise<string>
  /** Runs kubeconform, which looks at manifests with schemas alone. @returns what it says as JSON, also of what does not fit. */
  kubeconform(...args: readonly string[]): Promise<string>
  /** Makes a namespace that takes pods by the Pod Security level `restricted` alone. */
  restrictedNamespace(name: string): Promise<void>
  /** What the servers have written, by their names. */
  logs(): Readonly<Record<string, string>>
  /** Ends all servers and removes what they kept. */
  close(): Promise<void>
}

/** What every object has, as far as tests read it. */
export interface KubernetesObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly uid?: string
    readonly labels?: Readonly<Record<string, string>>
  }
}

/**
 * Starts a cluster with these nodes and the definitions of the operators that a chart has objects for.
 * @throws Error where a program is not built, or with the end of the log of what does not come up.
 */
export async function startCluster(nodes: readonly NodeShape[]): Promise<Cluster> {
  const programs = await findClusterPrograms()
  // The API server's: it goes with it, however this process ends.
  const directory = await serverDirectory('cluster', undefined)
  const servers: [string, ServerProcess][] = []
  const close = async (): Promise<void> => {
    for (const [, server] of servers.splice(0).reverse()) await server.close()
    rmSync(directory, { recursive: true, force: true })
  }
  const started = async (name: string, starting: Promise<ServerProcess>): Promise<void> => {
    servers.push([name, await starting])
  }
  try {
    const certificate = await makeCertificates('127.0.0.1', directory)
    const port = await freePort()
    const access = makeAccess(directory, `https://127.0.0.1:${port}`, certificate.ca)
    const etcd = await startEtcd(programs)
    servers.push(['etcd', etcd.server])
    await started(
      'kube-apiserver',
      startApiServer(programs, { directory, etcdUrl: etcd.url, port, access, certificate }),
    )
    const commands = commandsOf(programs, directory, access.kubeconfig.admin)
    await untilReady(() => commands.kubectl('get', '--raw', '/readyz'))
    await all([
      started('kube-controller-manager', startControllerManager(programs, access, certificate.ca)),
      started('kube-scheduler', startScheduler(programs, access)),
      started('kwok', startKwok(programs, access)),
    ])
    const files = [storageClassFile(programs.kwokFiles), ...programs.crdFiles]
    await commands.kubectl('create', '--validate=false', ...files.flatMap((file) => ['--filename', file]))
    await commands.apply(...nodes.map(nodeObject))
    await commands.kubectl('wait', '--for=condition=Established', 'crd', '--all', '--timeout=60s')
    await commands.kubectl('wait', '--for=condition=Ready', 'nodes', '--all', '--timeout=60s')
    const logs = () => Object.fromEntries(servers.map(([name, server]) => [name, server.log()]))
    return { ...commands, logs, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** Waits for the end of each, so that none comes up after what was started has been ended. */
async function all(starting: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(starting)).find((result) => result.status === 'rejected')
  if (failed) throw failed.reason
}

type Commands = Omit<Cluster, 'logs' | 'close'>

function commandsOf(programs: ClusterPrograms, directory: string, kubeconfig: string): Commands {
  const home = join(directory, 'helm')
  const env = {
    ...process.env,
    KUBECONFIG: kubeconfig,
    KUBECACHEDIR: join(directory, 'kubectl'),
    HELM_CACHE_HOME: join(home, 'cache'),
    HELM_CONFIG_HOME: join(home, 'config'),
    HELM_DATA_HOME: join(home, 'data'),
  }
  const command = (file: string, args: readonly string[]): Promise<string> =>
    run(file, args, { env, cwd: directory, timeoutMs: COMMAND_LIMIT_MS })
  const kubectl = (...args: readonly string[]): Promise<string> => command(programs.kubectl, args)
  let applied = 0
  const apply = async (...objects: readonly object[]): Promise<void> => {
    if (objects.length === 0) return
    applied += 1
    const file = join(directory, `applied-${applied}.json`)
    writeFileSync(file, JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }), { mode: 0o600 })
    await kubectl('apply', '--server-side', '--force-conflicts', '--filename', file)
  }
  return {
    kubectl,
    apply,
    get: async (...args) => JSON.parse(await kubectl('get', ...args, '--output', 'json')),
    helm: (version, ...args) => command(programs[version], args),
    shell: (version, namespace, commands, cwd) => {
      const config = JSON.parse(readFileSync(kubeconfig, 'utf8'))
      config.contexts[0].context.namespace = namespace
      const file = join(directory, `${namespace}.kubeconfig`)
      writeFileSync(file, JSON.stringify(config), { mode: 0o600 })
      const path = [programs.kubectl, programs[version]].map((program) => dirname(program))
      return run('bash', ['-euo', 'pipefail', '-c', commands], {
        env: { ...env, KUBECONFIG: file, PATH: [...path, process.env.PATH].join(delimiter) },
        cwd,
        timeoutMs: COMMAND_LIMIT_MS,
      })
    },
    kubeconform: (...args) =>
      command('/bin/sh', [
        '-c',
        KEEP_VERDICT,
        'sh',
        programs.kubeconform,
        '-output',
        'json',
        '-verbose',
        ...args,
      ]),
    restrictedNamespace: (name) => apply(restrictedNamespace(name)),
  }
}

function restrictedNamespace(name: string): object {
  const labels = {
    'pod-security.kubernetes.io/enforce': 'restricted',
    'pod-security.kubernetes.io/enforce-version': 'latest',
    'pod-security.kubernetes.io/warn': 'restricted',
  }
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } }
}

async function untilReady(ask: () => Promise<string>): Promise<void> {
  for (const deadlineMs = performance.now() + READY_LIMIT_MS; ; ) {
    try {
      await ask()
      return
    } catch (error) {
      if (performance.now() > deadlineMs) throw error
      await new Promise((resolve) => setTimeout(resolve, POLL_MS))
    }
  }
}
