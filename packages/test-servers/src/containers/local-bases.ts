import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { debianProgram } from '../debian-programs.js'
import { run } from '../run.js'
import type { Podman } from './podman.js'

const NODE = '24.21.0'
const NPM = '11.19.1'
const CPUS: Readonly<Record<string, string>> = { x64: 'x64', arm64: 'arm64' }
/** What distroless images of Node have too: C and C++ libraries, names of networks, time zones. No shell. */
const BASE_PACKAGES = ['base-files', 'netbase', 'tzdata', 'libc6', 'libgcc-s1', 'libstdc++6']
const USER = 65_532
const LIMIT_MS = 10 * 60_000

/** Images that stand for those of a registry where none is reached. */
export interface LocalBases {
  /** Node alone, at /nodejs/bin/node. */
  readonly base: string
  /** A Debian with a shell, Node and npm. */
  readonly build: string
}

/**
 * Makes them of Debian's packages and of Node as npm's registry has it, once for each version.
 * @returns why they cannot be made, where that is so
 */
export async function localBases(
  podman: Podman,
  say: (line: string) => void,
): Promise<LocalBases | { readonly missing: string }> {
  const bases = {
    base: `localhost/fractal-lba-local-base:node${NODE}`,
    build: `localhost/fractal-lba-local-build:node${NODE}`,
  }
  if ((await exists(podman, bases.base)) && (await exists(podman, bases.build))) return bases
  const cpu = CPUS[process.arch]
  if (process.getuid?.() !== 0 || cpu === undefined) {
    return {
      missing: 'a base can be made only by root, on a Debian of a processor that Node is published for',
    }
  }
  const debootstrap = await debianProgram({ name: 'debootstrap', debianPackage: 'debootstrap' })
  if ('missing' in debootstrap) return debootstrap
  const scratch = await mkdtemp(join(tmpdir(), 'fractal-lba-bases-'))
  try {
    const packages = [`node-linux-${cpu}@${NODE}`, `npm@${NPM}`]
    await inScratch(scratch, 'npm', ['install', '--no-audit', '--no-fund', '--prefix', scratch, ...packages])
    const node = join(scratch, 'node_modules', `node-linux-${cpu}`, 'bin/node')
    say('making the base: Node and its libraries')
    await makeBase(scratch, node)
    await imported(podman, join(scratch, 'base'), bases.base)
    say('making the image that builds: a Debian with Node and npm, some minutes')
    await makeBuild(scratch, node, debootstrap.path)
    await imported(podman, join(scratch, 'build'), bases.build)
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
  return bases
}

async function makeBase(scratch: string, node: string): Promise<void> {
  const root = join(scratch, 'base')
  const archives = join(scratch, 'archives')
  await mkdir(archives)
  await mkdir(root)
  await inScratch(archives, 'apt-get', ['download', ...BASE_PACKAGES])
  await inScratch(archives, 'sh', ['-ec', `for file in *.deb; do dpkg-deb --extract "$file" '${root}'; done`])
  for (const directory of ['nodejs/bin', 'home/nonroot'])
    await mkdir(join(root, directory), { recursive: true })
  await run('cp', [node, join(root, 'nodejs/bin/node')])
  await run('install', ['-d', '-m', '1777', join(root, 'tmp')])
  await writeFile(
    join(root, 'etc/passwd'),
    `root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:${USER}:${USER}:nonroot:/home/nonroot:/sbin/nologin\n`,
  )
  await writeFile(join(root, 'etc/group'), `root:x:0:\nnonroot:x:${USER}:\n`)
}

async function makeBuild(scratch: string, node: string, debootstrap: string): Promise<void> {
  const root = join(scratch, 'build')
  const release = /^VERSION_CODENAME=(.+)$/m.exec(await readFile('/etc/os-release', 'utf8'))?.[1] ?? 'stable'
  await inScratch(scratch, debootstrap, ['--variant=minbase', release, root])
  await run('cp', [node, join(root, 'usr/local/bin/node')])
  await mkdir(join(root, 'usr/local/lib/node_modules'), { recursive: true })
  await run('cp', ['-r', join(scratch, 'node_modules/npm'), join(root, 'usr/local/lib/node_modules/npm')])
  for (const name of ['npm', 'npx']) {
    await symlink(`../lib/node_modules/npm/bin/${name}-cli.js`, join(root, 'usr/local/bin', name))
  }
}

async function imported(podman: Podman, root: string, image: string): Promise<void> {
  const archive = `${root}.tar`
  await run('tar', ['-C', root, '-c', '-f', archive, '.'], { timeoutMs: LIMIT_MS })
  await podman(['import', archive, image], { timeoutMs: LIMIT_MS })
}

function inScratch(cwd: string, program: string, args: readonly string[]): Promise<string> {
  return run(program, args, { cwd, timeoutMs: LIMIT_MS })
}

async function exists(podman: Podman, image: string): Promise<boolean> {
  return (await podman(['images', '--quiet', image])).trim() !== ''
}
