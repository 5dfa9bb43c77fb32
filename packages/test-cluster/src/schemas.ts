import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** Where kubeconform finds a schema of schemaFiles() below their directory. */
export const SCHEMA_PATH = '{{.Group}}/{{.ResourceAPIVersion}}/{{.ResourceKind}}.json'

const REFERENCE = '#/definitions/'
const INT_OR_STRING = 'io.k8s.apimachinery.pkg.util.intstr.IntOrString'
const QUANTITY = 'io.k8s.apimachinery.pkg.api.resource.Quantity'

/** A JSON Schema, as far as it is read here. */
interface Schema {
  readonly $ref?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly additionalProperties?: Schema | boolean
  readonly 'x-kubernetes-group-version-kind'?: readonly GroupVersionKind[]
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean
  readonly 'x-kubernetes-int-or-string'?: boolean
  readonly [keyword: string]: unknown
}

interface GroupVersionKind {
  readonly group: string
  readonly version: string
  readonly kind: string
}

/** The document that an API server has at /openapi/v2. */
export interface OpenApi {
  readonly definitions: Readonly<Record<string, Schema>>
}

/**
 * A schema for each kind that the API server knows, custom ones too, by its path. A field that it does not know is a
 * mistake, as it is for the server itself when it is asked to validate strictly.
 */
export function schemasOf({ definitions }: OpenApi): ReadonlyMap<string, object> {
  const strict = Object.fromEntries(
    Object.entries(definitions).map(([name, schema]) => [name, strictDefinition(name, schema)]),
  )
  const schemas = new Map<string, object>()
  for (const [name, schema] of Object.entries(definitions)) {
    const kinds = schema['x-kubernetes-group-version-kind'] ?? []
    // Lists and options of requests belong to all groups at once: no object in a chart is one.
    const [gvk] = kinds
    if (gvk === undefined || kinds.length > 1) continue
    const wanted = reachable(name, definitions)
    schemas.set(pathOf(gvk), {
      $ref: `${REFERENCE}${name}`,
      definitions: Object.fromEntries(wanted.map((each) => [each, strict[each]])),
    })
  }
  return schemas
}

/** Writes them where kubeconform looks for them. */
export function writeSchemas(schemas: ReadonlyMap<string, object>, directory: string): void {
  for (const [path, schema] of schemas) {
    const file = join(directory, path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, JSON.stringify(schema))
  }
}

function pathOf({ group, version, kind }: GroupVersionKind): string {
  // kubeconform takes the version for the group of those that have none.
  return `${group || version}/${version}/${kind.toLowerCase()}.json`
}

function strictDefinition(name: string, schema: Schema): Schema {
  if (name === INT_OR_STRING) return { type: ['integer', 'string'] }
  if (name === QUANTITY) return { type: ['number', 'string'] }
  return strictSchema(schema)
}

function strictSchema(schema: Schema): Schema {
  if (schema['x-kubernetes-int-or-string']) return { type: ['integer', 'string'] }
  const within = Object.entries(schema).map(([keyword, value]) => [keyword, strictValue(keyword, value)])
  const copy = Object.fromEntries(within) as Schema
  const isClosed = copy.properties && !copy['x-kubernetes-preserve-unknown-fields']
  return isClosed ? { additionalProperties: false, ...copy } : copy
}

function strictValue(keyword: string, value: unknown): unknown {
  if (keyword === 'properties') {
    const properties = Object.entries(value as Readonly<Record<string, Schema>>)
    return Object.fromEntries(properties.map(([name, schema]) => [name, strictSchema(schema)]))
  }
  const isSchema = keyword === 'items' || keyword === 'additionalProperties'
  return isSchema && typeof value === 'object' ? strictSchema(value as Schema) : value
}

/** A definition and all that it refers to, directly or not. */
function reachable(name: string, definitions: OpenApi['definitions']): string[] {
  const found = new Set<string>()
  const open = [name]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (found.has(next)) continue
    found.add(next)
    const text = JSON.stringify(definitions[next] ?? {})
    for (const [, referred] of text.matchAll(/"\$ref":"#\/definitions\/([^"]+)"/g))
      open.push(referred as string)
  }
  return [...found]
}
