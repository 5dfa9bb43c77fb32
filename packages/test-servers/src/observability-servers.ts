import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type GoProgram, goProgram } from './go-programs.js'
import { observabilityPrograms } from './observability-programs.js'
import { freePort } from './ports.js'
import { type ServerControls, ServerProcess, serverDirectory } from './server-process.js'

const HOST = '127.0.0.1'

/** A server with an HTTP API. */
export interface HttpServer extends ServerControls {
  /** http://host:port */
  readonly url: string
  /** Its working directory. */
  readonly directory: string
}

export interface FileServerOptions {
  /** Default: a free one. */
  readonly port?: number
  /** Texts by path from its working directory. */
  readonly files: Readonly<Record<string, string>>
}

/** Starts Prometheus over its files, of which prometheus.yml is one. @throws Error where there is none. */
export async function startPrometheus({ port, files }: FileServerOptions): Promise<HttpServer> {
  return startServer(observabilityPrograms.prometheus, port, files, {
    ready: /Server is ready to receive web requests/,
    args: (address) => [
      '--config.file=prometheus.yml',
      '--storage.tsdb.path=data',
      `--web.listen-address=${address}`,
      '--web.enable-lifecycle',
      '--enable-feature=exemplar-storage',
    ],
  })
}

/** Starts one Alertmanager over its files, of which alertmanager.yml is one. @throws Error where there is none. */
export async function startAlertmanager({ port, files }: FileServerOptions): Promise<HttpServer> {
  return startServer(observabilityPrograms.alertmanager, port, files, {
    ready: /Listening on/,
    args: (address) => [
      '--config.file=alertmanager.yml',
      '--storage.path=data',
      `--web.listen-address=${address}`,
      '--cluster.listen-address=',
    ],
  })
}

/** Starts the blackbox exporter over its files, of which blackbox.yml is one. @throws Error where there is none. */
export async function startBlackboxExporter({ port, files }: FileServerOptions): Promise<HttpServer> {
  return startServer(observabilityPrograms.blackboxExporter, port, files, {
    ready: /Listening on/,
    args: (address) => ['--config.file=blackbox.yml', `--web.listen-address=${address}`],
  })
}

async function startServer(
  program: GoProgram,
  port: number | undefined,
  files: Readonly<Record<string, string>>,
  { ready, args }: { readonly ready: RegExp; readonly args: (address: string) => readonly string[] },
): Promise<HttpServer> {
  const found = await goProgram(program)
  if ('missing' in found) throw new Error(found.missing)
  const address = `${HOST}:${port ?? (await freePort())}`
  const directory = await serverDirectory(program.name, undefined)
  for (const [path, text] of Object.entries(files)) {
    const file = join(directory, path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
  }
  const server = await ServerProcess.start(directory, {
    ...{ file: found.path, args: args(address), ready, user: undefined },
    stopSignal: 'SIGTERM',
  })
  return { ...server.controls, url: `http://${address}`, directory }
}
