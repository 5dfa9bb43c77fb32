import { Env, openToolsSecurity, type RpcContext, readToolsTls } from '@fractal-lba/runtime'

export { StartError as UnusableCertificateError } from '@fractal-lba/runtime'

/** How the tools call services: with the certificate of `TLS_…_FILE` where `TLS_ENABLED` is true. */
export interface ToolsContext {
  readonly context: RpcContext
  /** What is wrong with the environment; the context is of no use then. */
  readonly mistakes: readonly string[]
}

/** @throws UnusableCertificateError when the files of the certificate are of no use */
export async function toolsContext(variables: NodeJS.ProcessEnv): Promise<ToolsContext> {
  const env = new Env(variables)
  const config = readToolsTls(env)
  if (env.mistakes.length > 0) return { context: {}, mistakes: env.mistakes }
  return { context: { security: await openToolsSecurity(config) }, mistakes: [] }
}
