import { FLAG, REFUSED, RULES, VARIABLE, VARIABLE_RULES } from './schema-rules.mjs'
import { COMMON, COMPONENTS } from './values.mjs'
import { plainVariables, SECRET_VARIABLES, sharedVariables } from './variables.mjs'

/** @typedef {import('./schema-rules.mjs').Schema} Schema */
/** @typedef {import('./values.mjs').Value} Value */

/**
 * values.schema.json: every key that values.yaml has, and no other; forms from the defaults and from the rules.
 * @param {readonly Value[]} values
 * @param {ReadonlyMap<string, readonly string[]>} variables what each program reads
 * @returns {string}
 */
export function schemaText(values, variables) {
  const tree = treeOf(values)
  const shared = childrenOf(tree, COMMON)
  const properties = Object.fromEntries(
    [...tree.children].map(([key, node]) => {
      if (key === 'global') return [key, { ...schemaOf(node), additionalProperties: true }]
      const refused = /** @type {Record<string, Record<string, object>>} */ (REFUSED)[key] ?? {}
      if (key === COMMON) return [key, component(key, shared, new Map(), envOf(undefined))]
      const isComponent = COMPONENTS.some((name) => name === key)
      const own = isComponent
        ? component(key, shared, node.children, envOf(variables.get(key)))
        : schemaOf(node, refused)
      return [key, own]
    }),
  )
  const config = /** @type {{ properties: Record<string, unknown> }} */ (properties.config)
  config.properties.data = {
    ...variablesSchema(sharedVariables(variables)),
    description: meaningOf(childrenOf(tree, 'config').get('data')),
  }
  const schema = {
    $schema: 'https://json-schema.org/draft-07/schema#',
    title: 'Values of fractal-lba. Made by npm run generate:chart.',
    definitions: { variable: VARIABLE },
    ...closedObject({ ...properties, ...REFUSED[''] }),
  }
  return `${JSON.stringify(schema, undefined, 2)}\n`
}

/**
 * @typedef {object} Node
 * @property {readonly string[]} path
 * @property {Value | undefined} value
 * @property {Map<string, Node>} children
 */

/**
 * @param {readonly Value[]} values
 * @returns {Node}
 */
function treeOf(values) {
  /** @type {Node} */
  const root = { path: [], value: undefined, children: new Map() }
  for (const value of values) {
    let node = root
    for (const key of value.path) {
      const next = node.children.get(key) ?? {
        path: [...node.path, key],
        value: undefined,
        children: new Map(),
      }
      node.children.set(key, next)
      node = next
    }
    node.value = value
  }
  return root
}

/**
 * @param {Node} tree
 * @param {string} key
 */
function childrenOf(tree, key) {
  return tree.children.get(key)?.children ?? new Map()
}

/** @param {Node | undefined} node */
function meaningOf(node) {
  return node?.value?.meaning ?? node?.value?.intro
}

/**
 * @param {Node} node
 * @param {Readonly<Record<string, object>>} [more] properties beside its own
 * @returns {Schema}
 */
function schemaOf(node, more = {}) {
  const description = meaningOf(node)
  const rule = RULES[node.path.join('.')]
  if (rule) return { ...rule, description }
  if (node.children.size > 0 && node.value?.meaning === undefined) {
    const own = [...node.children].map(([key, child]) => [key, schemaOf(child)])
    return { ...closedObject({ ...Object.fromEntries(own), ...more }), description }
  }
  return { ...formOf(node.value?.value), description }
}

/**
 * @param {unknown} value a default
 * @returns {Schema}
 */
function formOf(value) {
  if (typeof value === 'string') return { type: 'string' }
  if (typeof value === 'boolean') return FLAG
  if (typeof value === 'number') return { type: 'integer' }
  if (Array.isArray(value)) return { type: 'array' }
  return { type: 'object' }
}

/**
 * What all components share, and what one has beside it.
 * @param {string} name
 * @param {Map<string, Node>} shared
 * @param {Map<string, Node>} own
 * @param {Schema} env
 * @returns {Schema}
 */
function component(name, shared, own, env) {
  const keys = new Set([...shared.keys(), ...own.keys()])
  const properties = [...keys].map((key) => {
    if (key === 'env') return [key, { ...env, description: meaningOf(shared.get(key)) }]
    const [base, over] = [shared.get(key), own.get(key)]
    if (base && !over && name !== COMMON) return [key, { $ref: `#/properties/${COMMON}/properties/${key}` }]
    if (!base || !over) return [key, schemaOf(/** @type {Node} */ (over ?? base))]
    // A map of both: of image, for instance, a component says the repository and shares the rest.
    const isSection = base.children.size > 0 && base.value?.meaning === undefined
    if (!isSection) return [key, { $ref: `#/properties/${COMMON}/properties/${key}` }]
    const joined = Object.fromEntries(
      [...new Set([...base.children.keys(), ...over.children.keys()])].map((word) => {
        const node = base.children.get(word) ?? over.children.get(word)
        return [word, schemaOf(/** @type {Node} */ (node))]
      }),
    )
    return [key, { ...closedObject(joined), description: meaningOf(over) ?? meaningOf(base) }]
  })
  const extra = { enabled: FLAG, global: { type: 'object' }, ...REFUSED.component }
  const isOne = name === COMMON || name === 'tools'
  const { enabled, ...rest } = extra
  const all = { ...(isOne ? rest : { enabled, ...rest }), ...Object.fromEntries(properties) }
  return closedObject(all)
}

/**
 * The `env` of a component; of one whose program is not ours, and of all of them, any but secrets.
 * @param {readonly string[] | undefined} names
 * @returns {Schema}
 */
function envOf(names) {
  if (names) return variablesSchema(plainVariables(names))
  return {
    type: 'object',
    properties: Object.fromEntries([...SECRET_VARIABLES.keys()].map((name) => [name, false])),
    additionalProperties: VARIABLE,
  }
}

/**
 * @param {readonly string[]} names
 * @returns {Schema}
 */
function variablesSchema(names) {
  const ruleOf = (/** @type {string} */ name) => /** @type {Record<string, Schema>} */ (VARIABLE_RULES)[name]
  return closedObject(
    Object.fromEntries(
      names.map((name) => [name, ruleOf(name) ? orNull(ruleOf(name)) : { $ref: '#/definitions/variable' }]),
    ),
  )
}

/** @param {Schema | undefined} schema */
function orNull(schema) {
  return { anyOf: [schema, { type: 'null' }] }
}

/** @param {Readonly<Record<string, unknown>>} properties */
function closedObject(properties) {
  return { type: 'object', additionalProperties: false, properties }
}
