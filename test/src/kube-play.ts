import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Podman } from '@fractal-lba/test-servers'
import { parseAllDocuments, stringify } from 'yaml'
import { type Ended, ended } from './containers.js'
import { until } from './until.js'

const COMMAND_LIMIT_MS = 180_000

/** A rendered object, as far as it is read here. */
interface KubeObject {
  readonly kind: string
  readonly metadata: { readonly name: string }
  readonly data?: Readonly<Record<string, string>>
  readonly stringData?: Readonly<Record<string, string>>
  readonly spec?: {
    readonly template?: { readonly spec: PodSpec }
    readonly volumeClaimTemplates?: readonly KubeObject[]
  }
}

interface PodSpec {
  readonly containers: readonly Container[]
  readonly volumes?: readonly { readonly name: string; readonly emptyDir?: object }[]
}

interface Container {
  readonly name: string
  readonly image: string
  readonly args?: readonly string[]
  readonly env?: readonly EnvEntry[]
}

interface EnvEntry {
  readonly name: string
  readonly value?: string
  readonly valueFrom?: { readonly secretKeyRef?: { readonly name: string; readonly key: string } }
}

/** What of a chart's render podman can play: one pod for each workload, under the names that services have. */
export class PlayedRelease {
  readonly #network = `flk-${randomUUID().slice(0, 8)}`
  readonly #directory = mkdtempSync(join(tmpdir(), 'fractal-lba-play-'))
  readonly #pods: string[] = []

  private constructor(
    private readonly podman: Podman,
    private readonly objects: readonly KubeObject[],
  ) {}

  /** @param rendered what `helm template` wrote */
  static async start(podman: Podman, rendered: string): Promise<PlayedRelease> {
    const objects = parseAllDocuments(rendered)
      .map((document) => document.toJS() as KubeObject | null)
      .filter((object) => object !== null)
    const release = new PlayedRelease(podman, objects)
    try {
      await podman(['network', 'create', release.#network])
      for (const workload of [...release.of('StatefulSet'), ...release.of('Deployment')])
        await release.#play(workload)
    } catch (error) {
      await release.close()
      throw error
    }
    return release
  }

  of(kind: string): readonly KubeObject[] {
    return this.objects.filter((object) => object.kind === kind)
  }

  /** Workloads whose pods run. */
  get workloads(): readonly string[] {
    return this.#pods
  }

  /** Runs the pod of a Job to its end, and takes it away. */
  async job(name: string): Promise<Ended> {
    const job = this.of('Job').find(({ metadata }) => metadata.name === name)
    if (!job) throw new Error(`there is no Job ${name}`)
    try {
      await this.#play(job)
      const [container = ''] = containersOf(job).map((found) => this.container(name, found.name))
      const code = Number(await this.podman(['wait', container], { timeoutMs: COMMAND_LIMIT_MS }))
      return { code, text: await this.podman(['logs', container]) }
    } finally {
      await this.podman(['pod', 'rm', '--force', '--ignore', '--time=0', this.#podName(name)])
      this.#pods.splice(this.#pods.indexOf(name), 1)
    }
  }

  /** The container of a workload, by podman's name. */
  container(workload: string, name: string): string {
    return `${this.#podName(workload)}-${name}`
  }

  containersOf(workload: string): readonly string[] {
    const object = this.objects.find(({ kind, metadata }) => isWorkload(kind) && metadata.name === workload)
    return object ? containersOf(object).map(({ name }) => this.container(workload, name)) : []
  }

  /** Kills a container, and starts its pod again as a kubelet would: podman ends a pod with its last container. */
  async killAndRestart(workload: string, container: string): Promise<void> {
    const pod = this.#podName(workload)
    const state = async (): Promise<string> =>
      (await this.podman(['pod', 'inspect', '--format={{.State}}', pod])).trim()
    await this.podman(['kill', container])
    // Started before it has ended, it would be stopped again.
    await until(`${pod} has ended`, COMMAND_LIMIT_MS, async () => /^(Exited|Stopped)$/.test(await state()))
    await this.podman(['pod', 'start', pod])
    await until(`${pod} runs again`, COMMAND_LIMIT_MS, async () => (await state()) === 'Running')
  }

  run(...args: readonly string[]): Promise<Ended> {
    return ended(this.podman, args)
  }

  async close(): Promise<void> {
    const pods = this.#pods.map((name) => this.#podName(name))
    await this.podman(['pod', 'rm', '--force', '--ignore', '--time=0', ...pods], {
      timeoutMs: COMMAND_LIMIT_MS,
    })
    const volumes = (await this.podman(['volume', 'ls', '--quiet', '--filter', `name=${this.#network}`]))
      .split('\n')
      .filter((name) => name !== '')
    if (volumes.length > 0) await this.podman(['volume', 'rm', '--force', ...volumes])
    await this.podman(['network', 'rm', '--force', this.#network])
    rmSync(this.#directory, { recursive: true, force: true })
  }

  #podName(workload: string): string {
    return `${this.#network}-${workload}`
  }

  /** The pod as it was rendered, but for what podman has otherwise: probes, empty volumes, secrets, names. */
  async #play(workload: KubeObject): Promise<void> {
    const { name } = workload.metadata
    const spec = workload.spec?.template?.spec
    if (!spec) throw new Error(`${name} has no pods`)
    const claimed = (workload.spec?.volumeClaimTemplates ?? []).map(({ metadata }) => ({
      name: metadata.name,
    }))
    const volumes = [...(spec.volumes ?? []), ...claimed].map((volume) =>
      'emptyDir' in volume || claimed.some(({ name: other }) => other === volume.name)
        ? { name: volume.name, persistentVolumeClaim: { claimName: `${this.#podName(name)}-${volume.name}` } }
        : volume,
    )
    const containers = spec.containers.map((container) => {
      const { startupProbe, livenessProbe, readinessProbe, ...rest } = container as Container &
        Record<string, unknown>
      const env = rest.env?.map((entry) => this.#resolved(entry)) ?? []
      return { ...rest, env, args: rest.args?.map((arg) => expanded(arg, env)) ?? [] }
    })
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: this.#podName(name) },
      spec: { ...spec, containers, volumes },
    }
    const file = this.#file(name, [...this.of('ConfigMap'), pod])
    const alias = workload.kind === 'StatefulSet' ? [name, `${name}-0.${name}`] : [name]
    const network = `--network=${this.#network}:${alias.map((other) => `alias=${other}`).join(',')}`
    this.#pods.push(name)
    await this.podman(['kube', 'play', network, file], { timeoutMs: COMMAND_LIMIT_MS, tellsOnStdout: true })
  }

  /** Versions of podman differ in the form of a Secret: a variable gets its value at once. */
  #resolved(entry: EnvEntry): EnvEntry {
    const reference = entry.valueFrom?.secretKeyRef
    if (!reference) return entry
    const secret = this.of('Secret').find(({ metadata }) => metadata.name === reference.name)
    const data = secret?.data?.[reference.key]
    const value =
      data === undefined ? secret?.stringData?.[reference.key] : Buffer.from(data, 'base64').toString()
    if (value === undefined) throw new Error(`the render has no ${reference.key} in ${reference.name}`)
    return { name: entry.name, value }
  }

  #file(name: string, objects: readonly object[]): string {
    const path = join(this.#directory, `${name}.yaml`)
    writeFileSync(
      path,
      objects.map((object) => stringify(object, { aliasDuplicateObjects: false })).join('---\n'),
    )
    return path
  }
}

/** `$(NAME)` as a kubelet writes it out; podman leaves it. */
function expanded(arg: string, env: readonly EnvEntry[]): string {
  return arg.replace(/\$\((\w+)\)/g, (text, name) => env.find((entry) => entry.name === name)?.value ?? text)
}

function isWorkload(kind: string): boolean {
  return kind === 'Deployment' || kind === 'StatefulSet' || kind === 'Job'
}

function containersOf(workload: KubeObject): readonly Container[] {
  return workload.spec?.template?.spec.containers ?? []
}
