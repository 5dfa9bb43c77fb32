import type { RpcContext } from '@fractal-lba/runtime'
import type { Terminal } from './command.js'
import { EXIT, Failure, usageError } from './failure.js'

/** Uses a running service, and lets go of it. @throws Failure with a sentence for people */
export async function using<Service extends { close(): void }, Result>(
  service: Service,
  use: (service: Service) => Promise<Result>,
): Promise<Result> {
  const { ServiceCallError } = await import('@fractal-lba/log-tools/services')
  try {
    return await use(service)
  } catch (error) {
    if (!(error instanceof ServiceCallError)) throw error
    throw new Failure(error.message, error.mayPass ? EXIT.tryLater : EXIT.refused, { cause: error })
  } finally {
    service.close()
  }
}

/** How this command calls services. @throws Failure with what is wrong with the environment or its certificate */
export async function callContext({ variables }: Terminal): Promise<RpcContext> {
  const { toolsContext, UnusableCertificateError } = await import('@fractal-lba/log-tools/services')
  try {
    const { context, mistakes } = await toolsContext({ ...variables })
    if (mistakes.length > 0) throw usageError(mistakes.join('\n'))
    return context
  } catch (error) {
    throw error instanceof UnusableCertificateError ? new Failure(error.message, EXIT.usage) : error
  }
}
