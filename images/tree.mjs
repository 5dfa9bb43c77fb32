// Lays out what an image has under /app: built files of the workspaces that a program needs, and what those need of the
// registry, nothing for development. node images/tree.mjs OUT WORKSPACE…, in a checkout that is built.
import { spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

/** What a workspace has beside its source, of which `dist` is built. */
const PARTS = ['package.json', 'dist', 'bin', 'descriptors.binpb']
/** For compilers, debuggers and readers. */
const NOT_RUN = /\.(d\.[mc]?ts|map|tsx?|mts|cts|md|markdown|tsbuildinfo)$/i
const IS_TEST = /\.test\.[cm]?js$/
/** At the root of a package: what its author runs. */
const TEST_DIRECTORIES = ['test', 'tests', '__tests__', '.github']
const KEPT = /^(licen[cs]e|notice|copying)/i
/** Node's words for the processors that BuildKit names otherwise. */
const CPUS = new Map([['amd64', 'x64']])
const INSTALL_LIMIT_MS = 10 * 60_000

const root = fileURLToPath(new URL('..', import.meta.url))
const [out, ...names] = process.argv.slice(2)
if (out === undefined || names.length === 0) {
  process.stderr.write('node images/tree.mjs OUT WORKSPACE…\n')
  process.exit(2)
}

const workspaces = workspacesOf(root)
const needed = withNeeds(names)
for (const directory of needed) {
  // What tests share lies in testing/; nothing that runs imports it.
  for (const part of PARTS) copy(join(root, directory, part), join(out, directory, part), ['testing'])
}
for (const part of ['early-signals.mjs', 'healthy.mjs'])
  copy(join(root, 'images', part), join(out, 'images', part))
if (needed.includes('packages/cli')) copy(join(root, 'images/pcs'), join(out, 'bin/pcs'))
copy(join(root, 'LICENSE'), join(out, 'LICENSE'))
installInto(out)

/**
 * @param {string} from
 * @param {string} to
 * @param {readonly string[]} [without] names of what stays behind
 */
function copy(from, to, without = []) {
  if (!existsSync(from)) return
  mkdirSync(dirname(to), { recursive: true })
  const isRun = (/** @type {string} */ path) => {
    if (without.includes(basename(path))) return false
    if (TEST_DIRECTORIES.includes(basename(path)) && existsSync(join(dirname(path), 'package.json')))
      return false
    return KEPT.test(basename(path)) || !(NOT_RUN.test(path) || IS_TEST.test(path))
  }
  cpSync(from, to, { recursive: true, filter: isRun, verbatimSymlinks: true })
}

/**
 * The production dependencies of the named workspaces, at the versions of package-lock.json.
 * @param {string} to
 */
function installInto(to) {
  const scratch = mkdtempSync(join(tmpdir(), 'tree-'))
  try {
    for (const file of ['package.json', 'package-lock.json', '.npmrc'])
      cpSync(join(root, file), join(scratch, file))
    for (const { directory } of workspaces.values()) {
      cpSync(join(root, directory, 'package.json'), join(scratch, directory, 'package.json'))
    }
    const only = names.map((name) => `--workspace=${name}`)
    npm(scratch, ['ci', '--omit=dev', '--ignore-scripts', '--no-audit', '--no-fund', ...platform(), ...only])
    const modules = 'node_modules'
    for (const name of readdirSync(join(scratch, modules))) {
      // Types are for compilers; ours are links, made below.
      if (!name.startsWith('.') && name !== '@types' && name !== '@fractal-lba')
        copy(join(scratch, modules, name), join(to, modules, name))
    }
    for (const directory of needed) {
      copy(join(scratch, directory, modules), join(to, directory, modules))
      const link = join(to, modules, nameIn(directory))
      mkdirSync(dirname(link), { recursive: true })
      symlinkSync(relative(dirname(link), join(to, directory)), link)
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

/** TARGETARCH, as BuildKit names the processor of the image; without it, that of this machine. */
function platform() {
  const { TARGETARCH = '' } = process.env
  return TARGETARCH === ''
    ? []
    : ['--os=linux', '--libc=glibc', `--cpu=${CPUS.get(TARGETARCH) ?? TARGETARCH}`]
}

/**
 * @param {string} cwd
 * @param {readonly string[]} args
 */
function npm(cwd, args) {
  const { status, error } = spawnSync('npm', args, { cwd, stdio: 'inherit', timeout: INSTALL_LIMIT_MS })
  if (error) throw error
  if (status !== 0) throw new Error(`npm ${args.join(' ')} ended with ${status}`)
}

/**
 * @param {readonly string[]} asked names of workspaces
 * @returns {readonly string[]} their directories, with those of all workspaces that they depend on
 */
function withNeeds(asked) {
  const found = new Set()
  const add = (/** @type {string} */ name) => {
    const workspace = workspaces.get(name)
    if (!workspace) throw new Error(`there is no workspace ${name}`)
    if (found.has(workspace.directory)) return
    found.add(workspace.directory)
    for (const other of workspace.needs) add(other)
  }
  for (const name of asked) add(name)
  return [...found]
}

/** @param {string} directory of a workspace */
function nameIn(directory) {
  for (const [name, workspace] of workspaces) if (workspace.directory === directory) return name
  throw new Error(`${directory} is no workspace`)
}

/**
 * @param {string} checkout
 * @returns {ReadonlyMap<string, { directory: string, needs: readonly string[] }>} by name
 */
function workspacesOf(checkout) {
  const read = (/** @type {string} */ directory) =>
    JSON.parse(readFileSync(join(checkout, directory, 'package.json'), 'utf8'))
  const directories = read('.').workspaces.flatMap((/** @type {string} */ pattern) =>
    pattern.endsWith('/*')
      ? readdirSync(join(checkout, dirname(pattern))).map((name) => join(dirname(pattern), name))
      : [pattern],
  )
  return new Map(
    directories
      .filter((/** @type {string} */ directory) => existsSync(join(checkout, directory, 'package.json')))
      .map((/** @type {string} */ directory) => {
        const { name, dependencies = {} } = read(directory)
        const needs = Object.keys(dependencies).filter((other) => other.startsWith('@fractal-lba/'))
        return [name, { directory, needs }]
      }),
  )
}
