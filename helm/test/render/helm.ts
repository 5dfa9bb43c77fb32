import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { builtGoProgram, helmPrograms } from '@fractal-lba/test-servers'
import { parseAllDocuments, stringify } from 'yaml'

export const root = fileURLToPath(new URL('../../..', import.meta.url))
export const chart = join(root, 'helm/fractal-lba')
const LIMIT_MS = 60_000
/** The Kubernetes that is rendered for, unless a test asks for another. */
const KUBERNETES = '1.34.0'

/** A rendered object, as far as tests look at all of them alike. */
export interface KubeObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
  }
  // biome-ignore lint/suspicious/noExplicitAny: each kind has its own form; tests say what they expect of it
  readonly [field: string]: any
}

export interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface RenderOptions {
  /** Files below the chart, laid over its values in this order. */
  readonly files?: readonly string[]
  /** Laid over those. */
  readonly values?: object
  readonly kubeVersion?: string
  readonly release?: string
}

/** Both Helms, each with why it is missing, where it is. */
export const helms = [helmOf('helm4'), helmOf('helm3')] as const
export type Helm = (typeof helms)[number]

/** What a render without a cluster must be given, because it cannot read what was generated there. */
export const filler = {
  secrets: { signing: { existingSecret: 'pcs-hmac-secret' } },
  redis: { auth: { existingSecret: 'redis-auth-secret' } },
  postgresql: { auth: { existingSecret: 'postgres-auth-secret' } },
}

function helmOf(key: 'helm3' | 'helm4') {
  const program = helmPrograms[key]
  const found = builtGoProgram(program)
  const missing = 'missing' in found ? found.missing : undefined
  const run = (...args: string[]): Promise<Ran> =>
    'missing' in found ? Promise.reject(new Error(found.missing)) : execute(found.path, args)
  const template = async (options: RenderOptions): Promise<Ran> => {
    const place = mkdtempSync(join(tmpdir(), 'fractal-lba-values-'))
    try {
      const file = join(place, 'values.yaml')
      writeFileSync(file, stringify(options.values ?? {}))
      return await run(
        ...['template', options.release ?? 'fractal-lba', chart, '--namespace', 'fractal-lba'],
        ...['--kube-version', options.kubeVersion ?? KUBERNETES],
        ...(options.files ?? []).flatMap((name) => ['--values', join(chart, name)]),
        ...['--values', file],
      )
    } finally {
      rmSync(place, { recursive: true, force: true })
    }
  }
  return {
    title: `Helm ${program.version.slice(1)}${missing === undefined ? '' : ` (${missing})`}`,
    missing,
    run,
    template,
    /** @throws Error with what Helm wrote, when it does not render. */
    async text(options: RenderOptions = {}): Promise<string> {
      const { code, stdout, stderr } = await template(options)
      if (code !== 0) throw new Error(stderr)
      return stdout
    },
    async objects(options: RenderOptions = {}): Promise<readonly KubeObject[]> {
      return objectsOf(await this.text(options))
    },
  }
}

/** @throws Error for text that is no YAML, and for keys that a map has twice. */
export function objectsOf(text: string): readonly KubeObject[] {
  return parseAllDocuments(text, { uniqueKeys: true }).flatMap((document) => {
    const [mistake] = document.errors
    if (mistake) throw mistake
    const content: unknown = document.toJS()
    return content === null ? [] : [content as KubeObject]
  })
}

export function execute(program: string, args: readonly string[], cwd?: string): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const options = { timeout: LIMIT_MS, maxBuffer: 64 * 2 ** 20, ...(cwd === undefined ? {} : { cwd }) }
    execFile(program, args, options, (error, stdout, stderr) => {
      if (error && typeof error.code !== 'number') return reject(error)
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr })
    })
  })
}

/** Runs them two at a time: Helm is a process each. */
export async function eachOf<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = []
  let next = 0
  const worker = async (): Promise<void> => {
    for (;;) {
      const index = next++
      const item = items[index]
      if (item === undefined) return
      results[index] = await work(item)
    }
  }
  await Promise.all([worker(), worker()])
  return results
}

/** The object of this kind and name. @throws Error where there is none. */
export function objectOf(objects: readonly KubeObject[], kind: string, name: string): KubeObject {
  const found = objects.find((object) => object.kind === kind && object.metadata.name === name)
  if (!found) throw new Error(`there is no ${kind} ${name}`)
  return found
}

/** The pod template of a workload, Job or CronJob; undefined for anything else. */
export function podTemplateOf(object: KubeObject): KubeObject | undefined {
  if (object.kind === 'CronJob') return object.spec.jobTemplate.spec.template
  return ['Deployment', 'StatefulSet', 'Job'].includes(object.kind) ? object.spec.template : undefined
}
