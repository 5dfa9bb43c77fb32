/**
 * Names of variables by the program that they belong to.
 * @typedef {ReadonlyMap<string, ReadonlySet<string>>} Settings
 */

/** Programs that share variables with the services: those are documented once, at the service. */
const SHARING = ['npm start', 'pcs']
/** Whom a section of docs/configuration.md is about where its first column does not say it. */
const SECTIONS = new Map([
  ['Gateway', ['gateway']],
  ['Local start', ['npm start']],
  ['Command line', ['pcs']],
  ['Agent', ['agent']],
])

/**
 * @param {string} markdown docs/configuration.md
 * @param {readonly string[]} programs all that there are
 * @returns {Settings} what its tables name
 */
export function documentedSettings(markdown, programs) {
  const processes = programs.filter((name) => !SHARING.includes(name))
  const services = processes.filter((name) => name !== 'gateway' && name !== 'agent')
  /** @type {Map<string, Set<string>>} */
  const settings = new Map()
  for (const section of markdown.split(/^## /m).slice(1)) {
    const title = section.slice(0, section.indexOf('\n')).trim()
    for (const [, cells = ''] of section.matchAll(/^\|(.+)\|$/gm)) {
      const [first = '', second = ''] = cells.split('|').map((cell) => cell.trim())
      const inFirst = title === 'Every process' ? processes : SECTIONS.get(title)
      const names = (inFirst ? first : second).match(/(?<=`)[A-Z][A-Z0-9_]*(?=`)/g) ?? []
      for (const program of inFirst ?? (first === 'all' ? services : [first])) {
        const known = settings.get(program) ?? new Set()
        settings.set(program, new Set([...known, ...names]))
      }
    }
  }
  return settings
}

/**
 * @param {readonly import('./sources.mjs').Source[]} files
 * @returns {ReadonlyMap<string, string>} the variables that production code names to Env, each with a file that does
 */
export function namedInSources(files) {
  const ASKED =
    /\benv\s*\.(?:text|optional|required|oneOf|flag|integer|number|durationMs|sizeBytes|address|addresses)(?:<\w+>)?\(\s*'([A-Z][A-Z0-9_]*)'/g
  const isProduction = (/** @type {string} */ path) =>
    /\/src\/.*\.ts$/.test(path) && !path.endsWith('.test.ts')
  return new Map(
    files
      .filter(({ path }) => isProduction(path))
      .flatMap(({ path, text }) =>
        [...text.matchAll(ASKED)].map(([, name = '']) => /** @type {const} */ ([name, path])),
      ),
  )
}

/**
 * What the documentation says, what programs ask for and what their sources name must be the same.
 * @param {Settings} documented
 * @param {Settings} asked
 * @param {ReadonlyMap<string, string>} named variables with a file that names each
 * @returns {readonly string[]} a sentence for each difference
 */
export function settingsMistakes(documented, asked, named) {
  const page = 'docs/configuration.md'
  const anywhere = new Set([...documented.values()].flatMap((names) => [...names]))
  const everAsked = new Set([...asked.values()].flatMap((names) => [...names]))
  const undocumented = [...asked].flatMap(([program, names]) => {
    const known = SHARING.includes(program) ? anywhere : (documented.get(program) ?? new Set())
    return [...names]
      .filter((name) => !known.has(name))
      .map((name) => `${program} reads ${name}, and ${page} has no row for it there`)
  })
  const unread = [...documented].flatMap(([program, names]) =>
    [...names]
      .filter((name) => !asked.get(program)?.has(name))
      .map((name) => `${page} has a row for ${name} of ${program}, which does not read it`),
  )
  const unknown = [...named]
    .filter(([name]) => !everAsked.has(name))
    .map(([name, path]) => `${path} reads ${name}, and scripts/test/asked-settings.mjs runs no reader of it`)
  return [...undocumented, ...unread, ...unknown]
}
