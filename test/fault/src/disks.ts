import { mkdtemp, readdir, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished, type TestContext } from 'vitest'
import { isAlive } from '../../src/processes.js'
import { demandRoot, demandTools, run, tools } from './programs.js'

const PREFIX = 'fractal-lba-disk-'
/** XFS makes nothing smaller. The file is sparse. */
const IMAGE_BYTES = 320 * 2 ** 20

/** A mounted file system of a test's own. */
export interface Mounted {
  /** Where it is mounted. */
  readonly path: string
}

/** A file system in memory, of this size. It is gone with the test. */
export async function memoryDisk(context: TestContext, sizeBytes: number): Promise<Mounted> {
  demandRoot(context, 'mount a file system')
  const path = await mountPoint()
  await run('mount', '-t', 'tmpfs', '-o', `size=${sizeBytes}`, 'tmpfs', path).catch((error: unknown) =>
    context.skip(`a file system cannot be mounted here: ${String(error)}`),
  )
  return { path }
}

/** A file system in a file, from which the power can be taken. It is gone with the test. */
export class PowerCutDisk implements Mounted {
  readonly path: string
  readonly #image: string
  readonly #xfsIo: string

  private constructor(path: string, image: string, xfsIo: string) {
    this.path = path
    this.#image = image
    this.#xfsIo = xfsIo
  }

  static async make(context: TestContext, kind: 'xfs' | 'ext4'): Promise<PowerCutDisk> {
    demandRoot(context, 'mount a file system')
    const maker = kind === 'xfs' ? tools.mkfsXfs : tools.mkfsExt4
    const [mkfs = '', xfsIo = ''] = await demandTools(context, maker, tools.xfsIo)
    const path = await mountPoint()
    const image = `${path}.image`
    onTestFinished(() => rm(image, { force: true }))
    await writeFile(image, '')
    await truncate(image, IMAGE_BYTES)
    await run(mkfs, '-q', image)
    const disk = new PowerCutDisk(path, image, xfsIo)
    await disk
      .mount()
      .catch((error: unknown) => context.skip(`a file cannot be mounted here: ${String(error)}`))
    return disk
  }

  /** From now on nothing reaches the disk, and every write and flush fails; what was not flushed is lost. */
  async cutPower(): Promise<void> {
    await run(this.#xfsIo, '-x', '-c', 'shutdown', this.path)
  }

  /** After a cut, when nobody has a file open there: what is on the disk, and nothing else. */
  async comeBack(): Promise<void> {
    await run('umount', this.path)
    await this.mount()
  }

  async mount(): Promise<void> {
    await run('mount', '-o', 'loop', this.#image, this.path)
  }
}

/** An empty directory to mount on; whatever is mounted there is taken away with the test. */
async function mountPoint(): Promise<string> {
  await removeForgotten()
  const path = await mkdtemp(join(tmpdir(), `${PREFIX}${process.pid}-`))
  onTestFinished(() => remove(path))
  return path
}

async function remove(path: string): Promise<void> {
  // Lazily: a process that ends a moment later must not keep it. What is not mounted needs no umount.
  await run('umount', '--lazy', path).catch((error: unknown) => {
    if (!String(error).includes('not mounted')) throw error
  })
  await rm(path, { recursive: true, force: true })
  await rm(`${path}.image`, { force: true })
}

/** What a test run left mounted that was killed. */
async function removeForgotten(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const pid = new RegExp(`^${PREFIX}(\\d+)-\\w+$`).exec(name)?.[1]
    if (pid !== undefined && !(await isAlive(Number(pid)))) await remove(join(tmpdir(), name))
  }
}
