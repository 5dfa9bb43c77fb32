import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { helms, type KubeObject, root } from './helm.js'

// What the runbooks' kubectl commands name is there in a release called fractal-lba, as a platform team installs it.

const DIRECTORY = join(root, 'docs/runbooks')
const KINDS: Readonly<Record<string, string>> = {
  deployment: 'Deployment',
  statefulset: 'StatefulSet',
  cronjob: 'CronJob',
  hpa: 'HorizontalPodAutoscaler',
  endpoints: 'Service',
  pvc: 'PersistentVolumeClaim',
  pods: 'Pod',
}

const commands = readdirSync(DIRECTORY)
  .filter((name) => name.endsWith('.md'))
  .flatMap((name) =>
    [...readFileSync(join(DIRECTORY, name), 'utf8').matchAll(/^```sh kubectl\n([\s\S]*?)^```$/gm)].flatMap(
      ([, text = '']) =>
        text
          .trim()
          .split('\n')
          .map((command) => ({ name, command })),
    ),
  )

/** What a command names, as `Kind name`; placeholders in capitals are for the reader. */
function namedIn(command: string): readonly string[] {
  const [, ...words] = command.split(' -- ')[0]?.split(/\s+/) ?? []
  return words.flatMap((word, index) => {
    const [kind = '', name] = word.replace(/^--from=/, '').split('/')
    if (name !== undefined && KINDS[kind]) return [`${KINDS[kind]} ${name}`]
    const before = words[index - 1] ?? ''
    const isName = /^[a-z][a-z0-9-]+$/.test(word)
    if (before === 'exec' && isName) return [`Pod ${word}`]
    return isName && KINDS[before] && index >= 2 ? [`${KINDS[before]} ${word}`] : []
  })
}

/** All that is there, with the pods and claims that a StatefulSet makes. */
function thereOf(objects: readonly KubeObject[]): ReadonlySet<string> {
  return new Set(
    objects.flatMap(({ kind, metadata, spec }) => {
      if (kind !== 'StatefulSet') return [`${kind} ${metadata.name}`]
      const pods = Array.from({ length: spec.replicas }, (_, index) => `${metadata.name}-${index}`)
      const claims = (spec.volumeClaimTemplates ?? []).flatMap((claim: KubeObject) =>
        pods.map((pod) => `PersistentVolumeClaim ${claim.metadata.name}-${pod}`),
      )
      return [`${kind} ${metadata.name}`, ...pods.map((pod) => `Pod ${pod}`), ...claims]
    }),
  )
}

const [helm] = helms
describe.skipIf(helm.missing)(`kubectl in the runbooks, by ${helm.title}`, () => {
  it('names what the chart makes', async () => {
    const there = thereOf(await helm.objects({ files: ['values-production.yaml'] }))
    const named = commands.flatMap(({ name, command }) =>
      namedIn(command).map((what) => ({ name, command, what })),
    )
    expect(named.length).toBeGreaterThan(10)
    expect(named.filter(({ what }) => !there.has(what))).toEqual([])
  })
})
