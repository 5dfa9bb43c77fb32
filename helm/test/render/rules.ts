import { type KubeObject, podTemplateOf } from './helm.js'

// What must be so of everything that the chart renders.

const nameOf = ({ kind, metadata }: KubeObject): string => `${kind} ${metadata.name}`

/** No object twice. */
function names(objects: readonly KubeObject[]): readonly string[] {
  const all = objects.map(nameOf)
  return all.filter((name, index) => all.indexOf(name) !== index)
}

/** Every object says what it belongs to; pods say no version, so that a new chart alone restarts nobody. */
function labels(objects: readonly KubeObject[]): readonly string[] {
  const wrong = objects.filter(({ metadata }) => {
    const { labels = {} } = metadata
    return (
      labels['app.kubernetes.io/name'] !== 'fractal-lba' ||
      labels['app.kubernetes.io/instance'] !== 'fractal-lba' ||
      labels['app.kubernetes.io/component'] === undefined
    )
  })
  const versioned = objects.filter((object) => {
    const own = Object.keys(podTemplateOf(object)?.metadata.labels ?? {})
    return own.includes('helm.sh/chart') || own.includes('app.kubernetes.io/version')
  })
  return [...wrong, ...versioned].map(nameOf)
}

interface Container {
  readonly name: string
  readonly image: string
  readonly env?: readonly { readonly name: string }[]
  readonly resources?: { readonly requests?: object; readonly limits?: { readonly memory?: string } }
  readonly securityContext?: Readonly<Record<string, unknown>>
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[]
  readonly [field: string]: unknown
}

interface PodOf {
  readonly owner: string
  readonly kind: string
  readonly spec: KubeObject
  readonly containers: readonly Container[]
}

function podsOf(objects: readonly KubeObject[]): readonly PodOf[] {
  return objects.flatMap((object) => {
    const spec = podTemplateOf(object)?.spec
    return spec ? [{ owner: nameOf(object), kind: object.kind, spec, containers: spec.containers }] : []
  })
}

/** A name twice is an error of a server-side apply. */
function environments(objects: readonly KubeObject[]): readonly string[] {
  return podsOf(objects).flatMap(({ owner, containers }) =>
    containers.flatMap(({ env = [] }) => {
      const all = env.map(({ name }) => name)
      return all.filter((name, index) => all.indexOf(name) !== index).map((name) => `${owner} ${name}`)
    }),
  )
}

/** Pod Security "restricted", a read-only root, no token; requests, a memory limit and probes on all that stays. */
function pods(objects: readonly KubeObject[]): readonly string[] {
  return podsOf(objects).flatMap(({ owner, kind, spec, containers }) => {
    const pod = spec.securityContext
    const isSafe =
      pod.runAsNonRoot === true &&
      pod.runAsUser > 0 &&
      pod.fsGroup > 0 &&
      pod.seccompProfile.type === 'RuntimeDefault' &&
      spec.automountServiceAccountToken === false
    const ofContainers = containers.flatMap((container) => {
      const { securityContext: own = {}, resources = {}, name } = container
      const isTight =
        own.allowPrivilegeEscalation === false &&
        own.readOnlyRootFilesystem === true &&
        JSON.stringify(own.capabilities) === '{"drop":["ALL"]}'
      const isBounded = resources.requests !== undefined && resources.limits?.memory !== undefined
      const probes = ['startupProbe', 'livenessProbe', 'readinessProbe']
      const isWatched = kind === 'Job' || kind === 'CronJob' || probes.every((probe) => container[probe])
      return isTight && isBounded && isWatched ? [] : [`${owner} ${name}`]
    })
    return isSafe ? ofContainers : [owner, ...ofContainers]
  })
}

/** What is mounted is there. */
function volumes(objects: readonly KubeObject[]): readonly string[] {
  return objects.flatMap((object) => {
    const spec = podTemplateOf(object)?.spec
    if (!spec) return []
    const claims = (object.spec.volumeClaimTemplates ?? []).map(({ metadata }: KubeObject) => metadata.name)
    const there = new Set([...(spec.volumes ?? []).map(({ name }: { name: string }) => name), ...claims])
    return (spec.containers as readonly Container[]).flatMap(({ volumeMounts = [] }) => {
      const paths = volumeMounts.map(({ mountPath }) => mountPath)
      const twice = paths.filter((path, index) => paths.indexOf(path) !== index)
      return [...volumeMounts.filter(({ name }) => !there.has(name)).map(({ name }) => name), ...twice]
    })
  })
}

/** Each Service, budget and autoscaler finds pods; a Service's ports are ports of those. */
function selectors(objects: readonly KubeObject[]): readonly string[] {
  const templates = objects.flatMap((object) => podTemplateOf(object) ?? [])
  const fits = (wanted: object, template: KubeObject): boolean =>
    Object.entries(wanted).every(([key, value]) => template.metadata.labels?.[key] === value)
  return objects.flatMap((object) => {
    const { kind, spec } = object
    if (kind === 'HorizontalPodAutoscaler') {
      const { kind: target, name } = spec.scaleTargetRef
      return objects.some((other) => nameOf(other) === `${target} ${name}`) ? [] : [nameOf(object)]
    }
    const wanted =
      kind === 'Service' ? spec.selector : kind === 'PodDisruptionBudget' && spec.selector.matchLabels
    if (!wanted) return []
    const found = templates.filter((template) => fits(wanted, template))
    if (found.length === 0) return [nameOf(object)]
    const ports = found[0]?.spec.containers[0].ports?.map(({ name }: { name: string }) => name) ?? []
    const asked = kind === 'Service' ? spec.ports : []
    return asked
      .filter(({ targetPort }: { targetPort: string }) => !ports.includes(targetPort))
      .map(() => nameOf(object))
  })
}

/** A claim template cannot change: nothing in it may follow the version or the cluster. */
function claims(objects: readonly KubeObject[]): readonly string[] {
  return objects.flatMap((object) =>
    (object.spec?.volumeClaimTemplates ?? [])
      .filter(({ metadata }: KubeObject) => JSON.stringify(metadata).includes('0.1.0'))
      .map(() => nameOf(object)),
  )
}

/** What an autoscaler scales says no number itself. */
function autoscaled(objects: readonly KubeObject[]): readonly string[] {
  const scaled = objects
    .filter(({ kind }) => kind === 'HorizontalPodAutoscaler')
    .map(({ spec }) => `${spec.scaleTargetRef.kind} ${spec.scaleTargetRef.name}`)
  return objects
    .filter(({ kind }) => kind === 'Deployment' || kind === 'StatefulSet')
    .filter((object) => scaled.includes(nameOf(object)) === (object.spec.replicas !== undefined))
    .map(nameOf)
}

/** @returns what is wrong with these objects, each with the rule that it breaks */
export function mistakesOf(objects: readonly KubeObject[]): readonly string[] {
  const rules = { names, labels, environments, pods, volumes, selectors, claims, autoscaled }
  return Object.entries(rules).flatMap(([name, rule]) => rule(objects).map((what) => `${name}: ${what}`))
}
